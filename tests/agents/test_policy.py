from __future__ import annotations

from pathlib import Path

import pytest

from adw.agents.policy import FilePolicy, guard
from adw.domain.agent import ToolPolicy

TOOLS = ("Read", "Grep", "Glob", "Edit", "Write", "NotebookEdit", "Bash")


def policy_for(workspace: Path, *writable: str, readable: tuple[Path, ...] = ()) -> FilePolicy:
    tools = ToolPolicy(tools=TOOLS, allowed=TOOLS, writable=writable)
    return FilePolicy(workspace=workspace, tools=tools, readable=readable)


@pytest.mark.parametrize(
    ("glob", "path", "allowed"),
    [
        ("**", "a.py", True),
        ("**", "deep/er/a.py", True),
        ("specs/*.md", "specs/a.md", True),
        ("specs/*.md", "specs/deep/a.md", False),
        ("specs/**/*.md", "specs/a.md", True),
        ("specs/**/*.md", "specs/deep/er/a.md", True),
        ("specs/**", "specs.py", False),
        ("specs/plan.md", "specs/plan.md", True),
        ("specs/plan.md", "specs/planxmd", False),
        ("*.py", "a.py", True),
        ("*.py", "b/a.py", False),
        ("a?.py", "ab.py", True),
        ("[a].py", "a.py", False),
        ("**", ".git", False),
        ("**", ".git/config", False),
        ("**", "sub/.git/hooks/pre-commit", False),
        ("**", ".gitignore", True),
        ("**", "../a.py", False),
        ("**", "x/../../a.py", False),
    ],
)
@pytest.mark.parametrize("tool", ["Write", "Edit"])
def test_what_may_be_written(workspace: Path, tool: str, glob: str, path: str, allowed: bool):
    refusal = policy_for(workspace, glob).refusal(tool, {"file_path": path}, cwd=workspace)
    assert (refusal is None) == allowed


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Write", {}),
        ("Write", {"file_path": ""}),
        ("Write", {"file_path": 7}),
        ("Write", {"file_path": "/etc/x"}),
        ("NotebookEdit", {"notebook_path": "/x.ipynb"}),
        ("Read", {"file_path": "/etc/passwd"}),
        ("Read", {"file_path": "~/.ssh/id_rsa"}),
        ("Grep", {"pattern": "x", "path": "/"}),
        ("Glob", {"pattern": "/etc/*"}),
        ("Glob", {"pattern": "../../*"}),
        ("Glob", {"pattern": "*", "path": ".."}),
        ("WebFetch", {"url": "http://example.org"}),
        ("mcp__x__y", {}),
    ],
)
def test_what_is_refused(workspace: Path, tool: str, arguments: dict[str, object]):
    assert policy_for(workspace, "**").refusal(tool, arguments, cwd=workspace) is not None


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Read", {"file_path": "a.py"}),
        ("Grep", {"pattern": "/etc/passwd"}),
        ("Grep", {"pattern": "a..b", "path": "src"}),
        ("Glob", {"pattern": "**/*.py"}),
        ("Glob", {}),
        ("Bash", {"command": "cat /etc/passwd"}),
        ("StructuredOutput", {"summary": "x"}),
    ],
)
def test_what_is_let_through(workspace: Path, tool: str, arguments: dict[str, object]):
    assert policy_for(workspace, "**").refusal(tool, arguments, cwd=workspace) is None


def test_a_read_only_agent_is_told_so(workspace: Path):
    refusal = policy_for(workspace).refusal("Write", {"file_path": "a.py"}, cwd=workspace)
    assert refusal == "This phase is read-only; no file may be written"


def test_a_link_out_of_the_workspace_is_followed_before_deciding(workspace: Path, tmp_path: Path):
    (workspace / "link").symlink_to(tmp_path)
    policy = policy_for(workspace, "**")
    assert policy.refusal("Write", {"file_path": "link/a.py"}, cwd=workspace) is not None
    assert policy.refusal("Read", {"file_path": "link/a.py"}, cwd=workspace) is not None


def test_a_link_within_the_workspace_must_lead_to_something_writable(workspace: Path):
    (workspace / "src").mkdir()
    (workspace / "specs").symlink_to(workspace / "src")
    refusal = policy_for(workspace, "specs/**").refusal("Write", {"file_path": "specs/a.py"}, cwd=workspace)
    assert refusal is not None


def test_relative_paths_start_where_the_agent_stands(workspace: Path, tmp_path: Path):
    policy = policy_for(workspace, "**")
    assert policy.refusal("Write", {"file_path": "a.py"}, cwd=tmp_path) is not None


def test_folders_named_readable_are_readable_but_not_writable(workspace: Path, tmp_path: Path):
    policy = policy_for(workspace, "**", readable=(tmp_path / "kept",))
    assert policy.refusal("Read", {"file_path": str(tmp_path / "kept" / "a")}, cwd=workspace) is None
    assert policy.refusal("Write", {"file_path": str(tmp_path / "kept" / "a")}, cwd=workspace) is not None


def test_a_guard_that_fails_blocks(workspace: Path):
    assert guard(policy_for(workspace, "**")).on_failure == "block"
