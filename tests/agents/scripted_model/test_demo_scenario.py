"""The demo's script is safe to repeat: a conversation that starts over finds its work done and changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import adw
from adw.agents.scripted_model import load_scenario

DEMO = Path(adw.__file__).parent / "demo"


def replies_of(rule_name: str):
    return next(rule for rule in load_scenario("demo").rules if rule.name == rule_name).replies()


def apply_edits(rule_name: str, project: Path) -> int:
    """Does what the Edit tool would do; returns how many edits applied."""
    applied = 0
    tools = [block.tool for reply in replies_of(rule_name) for block in reply.blocks if block.tool]
    for edit in (tool.input for tool in tools if tool.name == "Edit"):
        path = Path(edit["file_path"].replace("${cwd}", str(project)))
        text = path.read_text()
        if text.count(edit["old_string"]) == 1:
            path.write_text(text.replace(edit["old_string"], edit["new_string"]))
            applied += 1
    return applied


def test_edits_apply_once_in_whatever_order_phases_repeat(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(DEMO / "sample", project)
    assert [apply_edits(name, project) for name in ("implement", "implement")] == [2, 0]
    assert [apply_edits(name, project) for name in ("resolve", "resolve", "implement")] == [1, 0, 0]


def test_every_conversation_ends_with_an_answer_and_takes_no_time():
    for name in ("classify", "plan", "implement", "resolve"):
        replies = replies_of(name)
        last = replies[-1].blocks[-1]
        assert last.structured is not None or last.text is not None
        assert sum(reply.delay_ms + reply.turn_ms for reply in replies) == 0


def test_the_issue_has_a_title_and_a_body():
    title, _, body = (DEMO / "issue.md").read_text().partition("\n")
    assert title.startswith("# ")
    assert "Expected" in body
