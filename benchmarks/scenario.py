"""A scripted model with as many turns and as much thinking as a figure wants."""

from __future__ import annotations

from typing import Any

from adw.agents.scripted_model.scenario import Scenario

FILES = 10
PLAN = """# Plan: greet people

## Approach
Add a module that greets people by name, so that the other modules need not know how.

## Steps
1. `greeting.txt`: the greeting itself.

## Verification
The project's check passes.
"""


def scenario(*, turns: int, turn_ms: int) -> Scenario:
    """Planner and implementor take `turns` turns each, the classifier one; each turn takes `turn_ms`."""
    reads = [_tool("Read", file_path=f"${{cwd}}/part_{number % FILES}.txt") for number in range(turns - 2)]
    plan = [*reads, _tool("Write", file_path="${cwd}/${plan_path}", content=PLAN), {"text": "The plan is written."}]
    build = [*reads, _tool("Write", file_path="${cwd}/greeting.txt", content="Hello.\n"), {"structured": _BUILT}]
    rules = [
        {"name": "classify", "when": {"role": "classifier"}, "steps": [_reply({"structured": _CLASS}, turn_ms)]},
        {
            "name": "plan",
            "when": {"role": "planner", "any_text": r"Plan file: `(?P<plan_path>[^`\n]+)`"},
            "steps": [_reply(block, turn_ms) for block in plan],
        },
        {"name": "build", "when": {"role": "implementor"}, "steps": [_reply(block, turn_ms) for block in build]},
    ]
    return Scenario.model_validate({"name": "bench", "rules": rules})


_CLASS = {"issue_class": "feature", "slug": "greet-people", "title": "Greet people"}
_BUILT = {
    "summary": "People are greeted.",
    "commit_message": "Greet people",
    "pull_request_title": "Greet people",
    "pull_request_body": "People are greeted.",
}


def _tool(name: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": {"name": name, "input": arguments}}


def _reply(block: dict[str, Any], turn_ms: int) -> dict[str, Any]:
    return {"blocks": [block], "turn_ms": turn_ms}
