"""The plain runtime's tools against what agents ask for, by mistake or on purpose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.agents.conftest import make_task

from adw.agents.folder import run_folder
from adw.agents.plain.definitions import KNOWN_TOOLS
from adw.agents.plain.tools import Tools
from adw.domain.agent import AgentLimits, ToolPolicy
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline

SECRET = "what nobody may read"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text(f"{SECRET}\n")
    return folder


@pytest.fixture
async def tools_for(workspace: Path, tmp_path: Path):
    async with await Lifeline.open(tmp_path / "life") as lifeline:
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "life")
        with run_folder(tmp_path / "runs", run_id="r") as folder:

            def make(**changes):
                return Tools(task=make_task(workspace, **changes), launcher=launcher, folder=folder)

            yield make


@pytest.fixture
def tools(tools_for) -> Tools:
    return tools_for()


async def test_a_file_is_written_read_and_edited(tools: Tools, workspace: Path):
    path = str(workspace / "deep" / "song.txt")
    assert not (await tools.call("Write", {"file_path": path, "content": "la\r\nlu\r\nla\n"})).is_error
    read = await tools.call("Read", {"file_path": path, "offset": 2, "limit": 1})
    assert read.text == "     2\tlu"
    assert not (await tools.call("Edit", {"file_path": path, "old_string": "lu", "new_string": "li"})).is_error
    many = {"file_path": path, "old_string": "la", "new_string": "lo", "replace_all": True}
    assert (await tools.call("Edit", many)).text.startswith("Replaced 2 occurrences")
    assert Path(path).read_bytes() == b"lo\r\nli\r\nlo\n"


async def test_a_path_may_be_relative_to_the_workspace(tools: Tools, workspace: Path):
    await tools.call("Write", {"file_path": "a.txt", "content": "a"})
    assert (workspace / "a.txt").read_text() == "a"


EDITS = [
    ({"old_string": "no", "new_string": "x"}, "does not occur"),
    ({"old_string": "", "new_string": "x"}, "does not occur"),
    ({"old_string": "la", "new_string": "x"}, "occurs 2 times"),
    ({"old_string": "lu", "new_string": "lu"}, "the same"),
]


@pytest.mark.parametrize(("change", "says"), EDITS)
async def test_an_edit_that_is_not_clear_changes_nothing(tools: Tools, workspace: Path, change, says: str):
    path = workspace / "song.txt"
    path.write_text("la lu la")
    result = await tools.call("Edit", {"file_path": str(path), **change})
    assert result.is_error
    assert says in result.text
    assert path.read_text() == "la lu la"


HOSTILE = [
    ("Read", {"file_path": "{outside}/secret.txt"}),
    ("Read", {"file_path": "../outside/secret.txt"}),
    ("Read", {"file_path": "link/secret.txt"}),
    ("Read", {"file_path": "file-link"}),
    ("Read", {"file_path": "loop"}),
    ("Read", {"file_path": "pipe"}),
    ("Read", {"file_path": "/dev/zero"}),
    ("Read", {"file_path": "nul\0"}),
    ("Read", {"file_path": "."}),
    ("Read", {"file_path": "binary"}),
    ("Read", {"file_path": "missing"}),
    ("Read", {"file_path": 3}),
    ("Read", {}),
    ("Write", {"file_path": "{outside}/new.txt", "content": "x"}),
    ("Write", {"file_path": "../outside/new.txt", "content": "x"}),
    ("Write", {"file_path": "link/new.txt", "content": "x"}),
    ("Write", {"file_path": "file-link", "content": "x"}),
    ("Write", {"file_path": "dangling", "content": "x"}),
    ("Write", {"file_path": "pipe", "content": "x"}),
    ("Write", {"file_path": ".git/config", "content": "x"}),
    ("Write", {"file_path": "lone.txt", "content": "\ud800"}),
    ("Edit", {"file_path": "file-link", "old_string": "nobody", "new_string": "everybody"}),
    ("Glob", {"pattern": "{outside}/*"}),
    ("Glob", {"pattern": "../outside/*"}),
    ("Glob", {"pattern": "link/*"}),
    ("Glob", {"pattern": "*", "path": "{outside}"}),
    ("Grep", {"pattern": "nobody", "path": "{outside}", "output_mode": "content"}),
    ("Grep", {"pattern": "nobody", "path": "link", "output_mode": "content"}),
    ("Grep", {"pattern": "(", "output_mode": "content"}),
    ("Grep", {"pattern": "x", "output_mode": "poem"}),
    ("WebFetch", {"url": "http://127.0.0.1"}),
    ("Bash", {"command": "true; git  -c a=b push origin main"}),
]


@pytest.mark.parametrize(("name", "tool_input"), HOSTILE)
async def test_what_must_not_happen_is_an_error_for_the_agent(
    tools: Tools, workspace: Path, outside: Path, name: str, tool_input: dict[str, object]
):
    _plant(workspace, outside)
    given = {
        key: value.format(outside=outside) if isinstance(value, str) else value for key, value in tool_input.items()
    }
    result = await tools.call(name, given)
    assert result.is_error, result.text
    assert SECRET not in result.text
    assert [path.name for path in outside.iterdir()] == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == f"{SECRET}\n"


def _plant(workspace: Path, outside: Path) -> None:
    (workspace / "link").symlink_to(outside)
    (workspace / "file-link").symlink_to(outside / "secret.txt")
    (workspace / "dangling").symlink_to(outside / "new.txt")
    (workspace / "loop").symlink_to("loop")
    (workspace / "binary").write_bytes(b"\xff\xfe\0")
    os.mkfifo(workspace / "pipe")


async def test_searches_do_not_follow_links_out_of_the_workspace(tools: Tools, workspace: Path, outside: Path):
    _plant(workspace, outside)
    (workspace / "src").mkdir()
    (workspace / "src" / "a.py").write_text("nobody = 1\n")
    found = await tools.call("Glob", {"pattern": "**/*"})
    assert str(workspace / "src" / "a.py") in found.text.splitlines()
    assert "secret" not in found.text
    assert "file-link" not in found.text
    lines = await tools.call("Grep", {"pattern": "no?body", "output_mode": "content"})
    assert lines.text.strip() == f"{workspace}/src/a.py:1:nobody = 1"
    assert (await tools.call("Grep", {"pattern": "NOBODY", "ignore_case": True, "glob": "*.py"})).text.count("\n") == 1
    assert (await tools.call("Grep", {"pattern": "absent"})).text == "Nothing found"


async def test_a_pattern_made_to_take_forever_does_not(tools: Tools, workspace: Path):
    (workspace / ("a" * 200)).write_text("")
    assert (await tools.call("Glob", {"pattern": "**/" * 60 + "*a" * 60 + "*b"})).text == "Nothing found"


async def test_a_folder_that_may_be_read_may_not_be_written(tools_for, outside: Path):
    tools = tools_for(policy=ToolPolicy(tools=("Read", "Write"), allowed=("Read", "Write"), readable=(outside,)))
    path = str(outside / "secret.txt")
    assert SECRET in (await tools.call("Read", {"file_path": path})).text
    assert (await tools.call("Write", {"file_path": path, "content": "x"})).is_error


async def test_the_policy_names_the_tools_and_what_they_may_write(tools_for, workspace: Path):
    reader = tools_for(policy=ToolPolicy(tools=("Read", "Write"), allowed=("Read",), writable=()))
    assert "no tool Bash" in (await reader.call("Bash", {"command": "true"})).text
    assert "permission" in (await reader.call("Write", {"file_path": "a", "content": ""})).text
    every = tuple(sorted(KNOWN_TOOLS))
    planner = tools_for(policy=ToolPolicy(tools=every, allowed=every, writable=("specs/*.md",)))
    assert not (await planner.call("Write", {"file_path": "specs/plan.md", "content": "yes"})).is_error
    refused = await planner.call("Write", {"file_path": "src.py", "content": "no"})
    assert "allowed: specs/*.md" in refused.text
    assert not (workspace / "src.py").exists()


async def test_a_command_gets_a_clean_environment_and_the_tasks_variables(tools_for, monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "ANTHROPIC_API_KEY", "GITHUB_TOKEN", "ADW_API_TOKEN"):
        monkeypatch.setenv(name, "planted")
    tools = tools_for(env={"BACKEND_PORT": "9101", "ANTHROPIC_BASE_URL": "http://evil", "IS_SANDBOX": "1"})
    seen = (await tools.call("Bash", {"command": "env"})).text
    assert "BACKEND_PORT=9101" in seen
    assert not any(word in seen for word in ("planted", "evil", "IS_SANDBOX", "run-token-of-a-test"))
    assert f"HOME={Path.home()}\n" not in seen


async def test_a_command_that_fails_or_hangs_is_an_error_with_its_output(tools_for):
    tools = tools_for(limits=AgentLimits(idle_timeout_s=10))
    failed = await tools.call("Bash", {"command": "echo so far; exit 3"})
    assert (failed.is_error, failed.text) == (True, "Exit code 3\nso far\n")
    hung = await tools.call("Bash", {"command": "echo so far; tail -f /dev/null", "timeout": 300})
    assert hung.is_error
    assert "so far" in hung.text


async def test_long_output_is_cut(tools: Tools, workspace: Path):
    (workspace / "long.txt").write_text("x" * 1000 + "\n" * 1 + ("y" * 1000 + "\n") * 1999)
    read = await tools.call("Read", {"file_path": "long.txt"})
    assert "cut off" in read.text[-100:]
    printed = await tools.call("Bash", {"command": "cat long.txt"})
    assert len(printed.text) < 31_000
