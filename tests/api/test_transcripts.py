from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update
from tests.api.stage import WORKFLOWS, Stage

from adw.api.views.spoken import spoken_in_session
from adw.api.views.transcript_markdown import fenced
from adw.domain.agent import AgentFailure, AgentResult
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.usage import Tokens, Usage
from adw.ports.sessions import TranscriptEntry, TranscriptKey
from adw.store.agent_outputs import create_agent_output, finish_agent_output
from adw.store.events import append_events
from adw.store.sessions import PostgresTranscripts
from adw.store.tables.work import agent_outputs

BEGAN = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HOSTILE = "before\n````\n# Heading\n<img src=x>\n```\n\x1b[2Jend\r~~~\n"


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "user", "message": {"role": "user", "content": content}, **more}


def assistant(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "assistant", "message": {"role": "assistant", "content": list(blocks)}, **more}


TALK = [
    {"type": "queue-operation", "content": "not said"},
    user("Do it", timestamp="2026-05-01T12:00:01Z"),
    user("hidden", isMeta=True),
    assistant({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "I will"}),
    assistant({"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls\npwd", "timeout": 5}}),
    user(
        [{"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": [{"type": "text", "text": HOSTILE}]}]
    ),
    assistant({"type": "text", "text": "API Error: 529"}, isApiErrorMessage=True),
    {"type": "system", "subtype": "compact_boundary"},
    assistant({"type": "redacted_thinking", "data": "..."}),
]


async def converse(
    stage: Stage,
    adw_id: str,
    *,
    role: str = "planner",
    phase: str = "plan",
    attempt: int = 1,
    session: str = "s",
    began: datetime = BEGAN,
    failure: AgentFailure | None = None,
) -> None:
    async with stage.database.begin() as connection:
        output = await create_agent_output(
            connection, adw_id=adw_id, agent_name=role, phase=phase, attempt=attempt, model="claude-x"
        )
        usage = Usage(requests=1, tokens=Tokens(input=3, output=4), cost_usd=Decimal(0))
        result = AgentResult(
            session_id=session, structured={"title": "T`x"}, usage=usage, turns=2, duration_ms=1500, failure=failure
        )
        await finish_agent_output(connection, output_id=output.id, result=result)
        await connection.execute(update(agent_outputs).where(agent_outputs.c.id == output.id).values(created_at=began))


async def keep(
    stage: Stage, adw_id: str, entries: list[dict[str, Any]], *, session: str = "s", subpath: str = ""
) -> None:
    rows = PostgresTranscripts(stage.database.engine)
    key = TranscriptKey(project_key=adw_id, session_id=session, subpath=subpath)
    await rows.append(key, [TranscriptEntry(body=json.dumps(entry)) for entry in entries])


async def read(stage: Stage, adw_id: str, **params: str) -> list[dict[str, Any]]:
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript", params={"format": "json", **params})
    return answer.json()["conversations"]


async def test_a_conversation_is_told_from_its_session(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await converse(stage, adw_id)
    await keep(stage, adw_id, TALK)
    await keep(stage, adw_id, [user("See below")], subpath="agents/1")
    (told,) = await read(stage, adw_id)
    assert (told["role"], told["phase"], told["model"], told["outcome"]) == ("planner", "plan", "claude-x", "completed")
    assert (told["source"], told["turns"], told["outputJson"]) == ("session", 2, {"title": "T`x"})
    assert told["usage"] == {"requests": 1, "inputTokens": 3, "outputTokens": 4, "costUsd": None}
    assert [(item["kind"], item["text"][:9], item["isError"], item["side"]) for item in told["items"]] == [
        ("prompt", "Do it", False, None),
        ("thinking", "hm", False, None),
        ("text", "I will", False, None),
        ("tool_use", "", False, None),
        ("tool_result", "before\n``", True, None),
        ("note", "API Error", True, None),
        ("note", "The conve", False, None),
        ("note", "[redacted", False, None),
        ("prompt", "See below", False, "agents/1"),
    ]
    assert (told["items"][3]["tool"], told["items"][3]["input"]["timeout"]) == ("Bash", 5)


async def test_what_tools_say_cannot_leave_its_fence_or_steer_a_terminal(stage: Stage):
    adw_id = (await stage.work("Fix | `it` <b>")).adw_id
    await converse(stage, adw_id)
    await keep(stage, adw_id, TALK)
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    text = answer.text
    assert "\x1b" not in text
    assert "\r" not in text
    assert [line for line in _outside(text).splitlines() if line.startswith(("#", "<img"))] == [
        f"# Transcript of workflow {adw_id}",
        "## 1. planner in plan, attempt 1",
    ]
    for part in (
        "**Prompt**",
        "<summary>Thinking</summary>",
        "**Tool** `Bash`",
        "**Result** (failed)",
        "| cost | unknown |",
    ):
        assert part in text


@pytest.mark.parametrize("text", ["", "```", "a\n``````\nb", "`````text\n~~~", "\n\n", "x`\u2028```\n"])
def test_a_fence_holds_whatever_is_in_it(text: str):
    first, *inside, last = fenced(text)
    assert first == f"{last}text"
    assert all(not line.strip().startswith(last) for line in inside)


async def test_only_the_wanted_conversations_are_told(stage: Stage):
    adw_id = (await stage.work()).adw_id
    failure = AgentFailure(failure_class=FailureClass.TRANSIENT, message="it `broke`", retryable=False)
    await converse(stage, adw_id)
    await converse(
        stage, adw_id, role="implementor", phase="build", session="b", began=datetime.now(UTC), failure=failure
    )
    assert [each["role"] for each in await read(stage, adw_id)] == ["planner", "implementor"]
    (told,) = await read(stage, adw_id, role="implementor")
    assert (told["outcome"], told["failureClass"], told["source"]) == ("failed", "transient", "none")
    assert [each["phase"] for each in await read(stage, adw_id, phase="plan")] == ["plan"]
    assert await read(stage, adw_id, role="planner", phase="build") == []
    text = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript", params={"role": "implementor"})).text
    assert "Nothing of what was said was kept." in text
    assert "**Failed** (transient)" in text


async def test_a_session_taken_up_by_a_later_attempt_is_divided_between_both(stage: Stage):
    adw_id = (await stage.work()).adw_id
    later = BEGAN + timedelta(minutes=5)
    await converse(stage, adw_id)
    await converse(stage, adw_id, attempt=2, began=later)
    entries = [
        user("first"),
        user("second", timestamp=(BEGAN + timedelta(minutes=1)).isoformat()),
        user("third", timestamp=(later + timedelta(minutes=1)).isoformat()),
    ]
    await keep(stage, adw_id, entries)
    one, two = await read(stage, adw_id)
    assert [item["text"] for item in one["items"]] == ["first", "second"]
    assert [item["text"] for item in two["items"]] == ["third"]


async def test_without_a_session_the_events_tell_what_they_know(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await converse(stage, adw_id, began=datetime(2020, 1, 1, tzinfo=UTC))
    data = {"role": "planner"}
    use = {**data, "tool": "Read", "toolUseId": "t", "input": {"path": "x"}}
    said = [
        NewEvent(type=EventType.AGENT_STARTED, phase="plan", data={**data, "sessionId": "s"}),
        NewEvent(type=EventType.AGENT_TEXT, phase="plan", message="hello", data=data),
        NewEvent(type=EventType.AGENT_TOOL_USE, phase="plan", message="Read x", data=use),
        NewEvent(type=EventType.AGENT_TOOL_RESULT, phase="plan", message="no", data={**data, "isError": True}),
        NewEvent(type=EventType.AGENT_TEXT, phase="build", message="another's", data=data),
    ]
    async with stage.database.begin() as connection:
        await append_events(connection, adw_id, said)
    (told,) = await read(stage, adw_id)
    assert told["source"] == "events"
    assert [(item["kind"], item["text"], item["tool"]) for item in told["items"]] == [
        ("text", "hello", None),
        ("tool_use", "", "Read"),
        ("tool_result", "no", None),
    ]
    text = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript")).text
    assert "prompts are not among them" in text


def test_entries_of_an_unknown_form_are_left_out():
    bodies = [
        "not json",
        "[]",
        '{"type":"user"}',
        '{"type":"new","message":{"content":"x"}}',
        '{"type":"user","message":3}',
    ]
    assert list(spoken_in_session(bodies)) == []


def test_half_characters_and_endless_texts_are_made_fit_to_send():
    (prompt,) = spoken_in_session([json.dumps(user("\ud800" + "x" * 200_000))])
    prompt.model_dump_json()
    assert prompt.text.endswith("more characters)")
    assert len(prompt.text) < 110_000


async def test_a_workflow_without_conversations_says_so(stage: Stage):
    adw_id = (await stage.work()).adw_id
    answer = await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript")
    assert "No conversation was held." in answer.text
    assert (await stage.http.get(f"{WORKFLOWS}/{adw_id}/transcript", params={"format": "html"})).status_code == 422


def _outside(text: str) -> str:
    """The document without its fences, found as CommonMark finds them."""
    kept, fence = [], None
    for line in text.split("\n"):
        run = re.match(r" {0,3}(`{3,})", line)
        if fence is None and run:
            fence = run[1]
        elif fence is not None:
            if re.fullmatch(rf" {{0,3}}`{{{len(fence)},}}[ \t]*", line):
                fence = None
        else:
            kept.append(line)
    assert fence is None
    return "\n".join(kept)
