from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.workflows.tool_words import describe_tool

TREE = "/srv/trees/0a1b2c3d"


@pytest.mark.parametrize(
    ("name", "given_input", "line"),
    [
        ("Read", {"file_path": f"{TREE}/tally/statement.py"}, "Read tally/statement.py"),
        ("Read", {"file_path": "tally/statement.py", "limit": 10}, "Read tally/statement.py"),
        ("Edit", {"file_path": f"{TREE}/x.py", "old_string": "a"}, "Edit x.py"),
        ("Write", {"file_path": "/etc/passwd", "content": "x"}, "Write /etc/passwd"),
        ("Read", {"file_path": f"{TREE}-other/x.py"}, f"Read {TREE}-other/x.py"),
        ("Bash", {"command": "python -m pytest -q", "description": "Tests"}, "Bash python -m pytest -q"),
        ("Bash", {"command": "cd a\n  make\ttest"}, "Bash cd a make test"),
        ("Grep", {"pattern": "total", "path": f"{TREE}/tally"}, "Grep total tally"),
        ("Glob", {"pattern": "**/*.py"}, "Glob **/*.py"),
        ("Glob", {"pattern": "*.py", "path": TREE}, "Glob *.py ."),
        ("NotebookEdit", {"notebook_path": f"{TREE}/a.ipynb"}, "NotebookEdit a.ipynb"),
        ("mcp__db__look", {"query": "select 1", "n": 3}, "mcp__db__look select 1"),
        ("StructuredOutput", {"issue_class": "bug"}, "StructuredOutput"),
        ("Read", {"file_path": 7}, "Read"),
        ("TodoWrite", None, "TodoWrite"),
        ("", {}, "a tool"),
    ],
)
def test_a_call_is_told_in_one_line(name, given_input, line):
    assert describe_tool(name, given_input, cwd=TREE) == line


def test_without_a_folder_paths_stay_as_they_are():
    assert describe_tool("Read", {"file_path": f"{TREE}/x.py"}) == f"Read {TREE}/x.py"


@given(st.text(), st.dictionaries(st.sampled_from(["file_path", "command", "x"]), st.text() | st.integers()))
def test_whatever_an_agent_calls_the_line_is_one_and_short(name, given_input):
    line = describe_tool(name, given_input, cwd=TREE)
    assert line
    assert len(line) <= 160
    assert len(line.splitlines()) <= 1
