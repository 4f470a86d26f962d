from __future__ import annotations

import asyncio

import pytest

from adw.domain.agent import AgentFailure, AgentResult
from adw.domain.failure import FailureClass
from adw.domain.usage import Tokens, Usage
from adw.store import agent_outputs

USAGE = Usage(requests=2, tokens=Tokens(input=10, output=3))


@pytest.fixture
async def start(database, make_workflow):
    workflow = await make_workflow()

    async def create(**changes):
        values = {"adw_id": workflow.adw_id, "agent_name": "planner", "phase": "plan", "model": "m"} | changes
        async with database.begin() as connection:
            return await agent_outputs.create_agent_output(connection, **values)

    return create


async def change(database, function, **values):
    async with database.begin() as connection:
        await function(connection, **values)


async def only(database, adw_id):
    async with database.read() as connection:
        (output,) = await agent_outputs.get_agent_outputs(connection, adw_id)
    return output


async def test_a_conversation_has_one_record_however_often_it_is_started(database, start):
    records = await asyncio.gather(*(start() for _ in range(4)))
    assert len({record.id for record in records}) == 1
    assert (records[0].attempt, records[0].round, records[0].success, records[0].ended_at) == (1, 0, None, None)
    others = [await start(round_number=1), await start(attempt=2), await start(agent_name="resolver")]
    assert len({record.id for record in (*records, *others)}) == 4


async def test_session_snapshot_and_retries_are_noted_as_they_happen(database, start):
    record = await start()
    await change(database, agent_outputs.record_session, output_id=record.id, session_id="s1")
    await change(database, agent_outputs.record_snapshot, output_id=record.id, snapshot_sha="c1")
    for _ in range(2):
        await change(database, agent_outputs.count_retry, output_id=record.id)
    now = await only(database, record.adw_id)
    assert (now.session_id, now.snapshot_sha, now.retry_count, now.model) == ("s1", "c1", 2, "m")
    assert (await start()).session_id == "s1"


async def test_the_end_records_answer_and_usage_which_add_up_over_resumes(database, start):
    record = await start()
    failed = AgentResult(
        session_id="s1",
        usage=USAGE,
        turns=2,
        duration_ms=30,
        failure=AgentFailure(failure_class=FailureClass.TRANSIENT, message="HTTP 529\0", retryable=True),
    )
    await change(database, agent_outputs.finish_agent_output, output_id=record.id, result=failed)
    now = await only(database, record.adw_id)
    assert (now.success, now.failure_class) == (False, "transient")
    assert now.error_message == "HTTP 529\N{REPLACEMENT CHARACTER}"
    done = AgentResult(
        session_id="s2",
        text="Done\0.",
        structured={"a": ["\0"], "n": float("inf")},
        usage=USAGE,
        turns=1,
        duration_ms=5,
    )
    await change(database, agent_outputs.finish_agent_output, output_id=record.id, result=done)
    now = await only(database, record.adw_id)
    assert (now.success, now.failure_class, now.error_message, now.session_id) == (True, None, None, "s2")
    assert (now.turns, now.requests, now.input_tokens, now.output_tokens, now.duration_ms) == (3, 4, 20, 6, 35)
    assert now.output_text == "Done\N{REPLACEMENT CHARACTER}."
    assert now.output_jsonl == {"a": ["\N{REPLACEMENT CHARACTER}"], "n": None}
    assert now.ended_at is not None
