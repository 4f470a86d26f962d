"""Calls that wait for a person, made by the real CLI."""

from __future__ import annotations

from pathlib import Path

from adw.domain.agent import ToolCall, ToolGate, Verdict


async def test_a_call_is_made_as_a_person_has_changed_it_and_not_at_all_when_refused(
    stage_for, script, workspace: Path
):
    asked: list[str] = []

    async def ask(call: ToolCall) -> Verdict:
        asked.append(call.given["command"])
        if "one" in call.given["command"]:
            return Verdict(edited={"command": "touch changed"}, note="Ada changed it to touch changed")
        if "two" in call.given["command"]:
            return Verdict(edited={"command": "git push"}, note="Ada changed it to git push")
        return Verdict(refusal="Ada does not allow this: not today")

    gate = ToolGate(concerns=lambda call: call.tool == "Bash" and "touch" in call.given["command"], ask=ask)
    calls = [script.bash(f"touch {name}") for name in ("one", "two", "three")]
    steps = [*calls, script.bash("echo free; git push"), script.text("unheard")]
    told = {"when": {"any_text": "Ada changed it to touch changed", "step": 4}, "reply": script.text("I heard.")}
    async with stage_for(told, {"steps": steps}) as stage:
        heard = await stage.run(workspace, gate=gate)
    assert (heard.final.failure, heard.final.text) == (None, "I heard.")
    assert asked == ["touch one", "touch two", "touch three"], "what the policy forbids is nobody's question"
    assert [path.name for path in workspace.iterdir()] == ["changed"]
    results = [(message.text, message.is_error) for message in heard.messages if message.kind == "tool_result"]
    assert [is_error for _, is_error in results] == [False, True, True, True]
    assert "Permission denied" in results[1][0]
    assert "not today" in results[2][0]
    assert sum(message.kind == "waiting" for message in heard.messages) >= 6
