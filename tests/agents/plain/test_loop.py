"""What the loop does when the model does not do what it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.agents.conftest import Rows

from adw.agents.plain.answer import problems_with
from adw.kit.errors import DatabaseError

SCHEMA = {
    "type": "object",
    "properties": {
        "summary": {"type": "string", "minLength": 1},
        "level": {"type": "string", "enum": ["low", "high"]},
        "items": {"type": "array", "items": {"type": "integer", "minimum": 1}},
    },
    "required": ["summary"],
    "additionalProperties": False,
}

WRONG: list[tuple[Any, str]] = [
    (3, "the answer must be of type object"),
    ({}, "the answer lacks 'summary'"),
    ({"summary": ""}, "the answer.summary must have at least 1 characters"),
    ({"summary": 1}, "the answer.summary must be of type string"),
    ({"summary": "x", "level": "middling"}, "the answer.level must be one of 'low', 'high'"),
    ({"summary": "x", "items": [1, 0]}, "the answer.items[1] must be at least 1"),
    ({"summary": "x", "items": [True]}, "the answer.items[0] must be of type integer"),
    ({"summary": "x", "other": 1}, "the answer has the unknown property 'other'"),
]


@pytest.fixture
def runtime_name() -> str:
    return "plain"


@pytest.mark.parametrize(("value", "problem"), WRONG)
def test_an_answer_of_another_form_is_told_what_is_wrong(value: Any, problem: str):
    assert list(problems_with(value, SCHEMA)) == [problem]


def test_an_answer_of_the_right_form_has_no_problems():
    assert list(problems_with({"summary": "x", "level": "low", "items": [1, 2]}, SCHEMA)) == []


async def test_an_agent_is_reminded_of_its_answer_once(stage_for, script, workspace: Path):
    steps = [script.text("I am done."), script.structured(summary="Done well")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.structured == {"summary": "Done well"}
    assert heard.final.usage.requests == 2


async def test_an_answer_that_never_comes_is_missing(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.text("I am done.")}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.failure.answer_missing
    assert heard.final.usage.requests == 2


async def test_an_answer_that_is_never_right_is_missing(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.structured(wrong=1)}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.failure.answer_missing
    assert "required form" in heard.final.failure.message


async def test_an_agent_that_says_nothing_is_asked_to_speak_once(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.fault("empty")}) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure.answer_missing
    assert heard.final.usage.requests == 2


async def test_an_answer_cut_off_at_the_limit_goes_on(stage_for, script, workspace: Path):
    steps = [script.text("Half of it") | script.fault("truncate"), script.text("The rest.")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "The rest."


async def test_answers_that_are_always_cut_off_are_a_failure(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.text("Half of it") | script.fault("truncate")}) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure.failure_class == "agent_error"
    assert "cut off" in heard.final.failure.message


async def test_a_refusal_is_a_failure(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.fault("refusal")}) as stage:
        heard = await stage.run(workspace)
    assert "refused" in heard.final.failure.message


@pytest.mark.parametrize("kind", ["cut", "error_event", "nonsense"])
async def test_a_stream_that_is_broken_for_good_is_transient(stage_for, script, workspace: Path, kind: str):
    async with stage_for({"reply": script.text("Half of it") | script.fault(kind)}, max_retries=0) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure.failure_class == "transient"


async def test_a_conversation_too_long_for_the_model_says_so(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.fault(400, message="prompt is too long: 9 tokens")}) as stage:
        heard = await stage.run(workspace)
    assert "no longer fits" in heard.final.failure.message


async def test_thinking_is_passed_on_and_kept(stage_for, workspace: Path):
    reply = {"blocks": [{"thinking": "Hm."}, {"text": "Yes."}]}
    async with stage_for({"reply": reply}) as stage:
        heard = await stage.run(workspace)
        (entries,) = stage.transcripts.entries.values()
    assert heard.texts("thinking") == ["Hm."]
    assert '"signature"' in entries[-1].body


async def test_what_cannot_be_kept_is_not_gone_on_with(stage_for, script, workspace: Path):
    class Broken(Rows):
        async def append(self, *_: Any, **__: Any) -> None:
            raise DatabaseError

    async with stage_for({"reply": script.text("Done.")}, transcripts=Broken()) as stage:
        heard = await stage.run(workspace)
        assert stage.server.journal.totals.requests == 0
    assert (heard.final.failure.failure_class, heard.final.failure.retryable) == ("infrastructure", True)
