"""A conversation cut off after any of its messages can be taken up again, and always is one the API accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.agents.conftest import Rows

from adw.agents.plain.transcript import Transcript, new_session_id
from adw.ports.sessions import TranscriptKey

PROJECT = "0a1b2c3d"


@pytest.fixture
def runtime_name() -> str:
    return "plain"


def is_acceptable(messages: list[dict[str, Any]]) -> bool:
    """Every call is answered by the very next message, and by nothing else."""
    for message, following in zip(messages, [*messages[1:], None], strict=True):
        calls = {block["id"] for block in message["content"] if block["type"] == "tool_use"}
        given = {} if following is None else following
        results = {block["tool_use_id"] for block in given.get("content", []) if block["type"] == "tool_result"}
        if calls != results or not message["content"]:
            return False
    return True


def call(number: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": "true"}}


async def make(rows: Rows) -> TranscriptKey:
    key = TranscriptKey(project_key=PROJECT, session_id=new_session_id())
    transcript = Transcript(rows, key)
    await transcript.add_prompt("Do the work.\0")
    await transcript.add_answer([{"type": "text", "text": "I begin"}, call(1), call(2)])
    await transcript.add_result("t1", text="fine", is_error=False)
    await transcript.add_result("t2", text="bad", is_error=True)
    await transcript.add_answer([call(3)])
    await transcript.add_result("t3", text="fine", is_error=False)
    await transcript.add_answer([{"type": "text", "text": "Done."}])
    return key


LENGTH = 7


@pytest.mark.parametrize("kept", range(1, LENGTH + 1))
async def test_a_cut_after_any_entry_can_be_mended(kept: int):
    rows = Rows()
    key = await make(rows)
    assert len(rows.entries[key]) == LENGTH
    del rows.entries[key][kept:]
    loaded = await Transcript.load(rows, project_key=PROJECT, session_id=key.session_id)
    assert loaded is not None
    await loaded.add_prompt("Go on.")
    assert is_acceptable(loaded.messages)
    again = await Transcript.load(rows, project_key=PROJECT, session_id=key.session_id)
    assert again is not None
    assert again.messages == loaded.messages


async def test_a_call_without_a_result_is_said_to_be_interrupted():
    rows = Rows()
    key = await make(rows)
    del rows.entries[key][3:]
    loaded = await Transcript.load(rows, project_key=PROJECT, session_id=key.session_id)
    assert loaded is not None
    first, second = loaded.messages[-1]["content"]
    assert (first["content"], first["is_error"]) == ("fine", False)
    assert "was interrupted" in second["content"]
    assert second["is_error"]


async def test_entries_of_another_runtime_are_not_ours():
    rows = Rows()
    key = await make(rows)
    other = TranscriptKey(project_key=PROJECT, session_id="7f3e1c52-6c39-4a0e-9d55-0e6f0b1f2a3b")
    rows.entries[other] = rows.entries[key]
    assert await Transcript.load(rows, project_key=PROJECT, session_id=other.session_id) is None


@pytest.mark.parametrize("kept", range(1, 5))
async def test_a_run_goes_on_from_wherever_it_was_cut(stage_for, script, workspace: Path, kept: int):
    steps = [
        script.text("I begin") | {"blocks": [{"text": "I begin"}, *script.bash("echo one >> log")["blocks"]]},
        script.text("Done."),
    ]
    resumed = {"when": {"turn": 2, "any_text": "Do the work"}, "reply": script.text("Done after all.")}
    async with stage_for(resumed, {"steps": steps}) as stage:
        first = await stage.run(workspace)
        assert first.final.text == "Done."
        (entries,) = stage.transcripts.entries.values()
        assert len(entries) == 4
        del entries[kept:]
        session = first.final.session_id
        assert await stage.runtime.can_resume(adw_id=PROJECT, session_id=session)
        heard = await stage.run(workspace, prompt="Go on.", resume_session=session)
    assert heard.final.failure is None
    assert heard.final.text == "Done after all."
    assert heard.final.session_id == session
    assert (workspace / "log").read_text() == "one\n"
