"""Gathers the conversations of a workflow from what the database has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from adw.api.views.building import usage_view
from adw.api.views.spoken import SPEAKING, spoken_in_events, spoken_in_session
from adw.api.views.transcript import ConversationView, Source, TranscriptItem, TranscriptView
from adw.domain.events import Event
from adw.domain.usage import Tokens, Usage
from adw.ports.sessions import TranscriptKey
from adw.store.agent_outputs import AgentOutput, get_agent_outputs
from adw.store.analytics import usage_by_conversation
from adw.store.db import Connection, Database
from adw.store.events import get_workflow_events
from adw.store.sessions import PostgresTranscripts
from adw.store.workflows import require_workflow

_PAGE = 5_000
_LATEST = datetime.max.replace(tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


async def transcript_of(
    database: Database, adw_id: str, *, role: str | None = None, phase: str | None = None
) -> TranscriptView:
    """All conversations, or those of one role, of one phase."""
    async with database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
        outputs = await get_agent_outputs(connection, adw_id)
        used = await usage_by_conversation(connection, adw_id)
    wanted = [each for each in outputs if role in {None, each.agent_name} and phase in {None, each.phase}]
    said = await _said(database, adw_id, {each.session_id for each in wanted if each.session_id is not None})
    return TranscriptView(
        adw_id=adw_id,
        issue_number=workflow.issue_number,
        issue_title=workflow.issue_title,
        workflow_type=workflow.workflow_type,
        status=workflow.status,
        conversations=tuple(_conversation(each, outputs, said, used.get(str(each.id))) for each in wanted),
    )


Said = Mapping[str, tuple[Source, Sequence[TranscriptItem]]]
"""By the id of the session."""


async def _said(database: Database, adw_id: str, sessions: set[str]) -> Said:
    rows = PostgresTranscripts(database.engine)
    said: dict[str, tuple[Source, Sequence[TranscriptItem]]] = {}
    for session in sorted(sessions):
        items = await _in_session(rows, TranscriptKey(project_key=adw_id, session_id=session))
        if items:
            said[session] = ("session", items)
    if sessions - said.keys():
        async with database.read() as connection:
            told = spoken_in_events(await _events(connection, adw_id))
        said |= {name: ("events", told[name]) for name in sessions - said.keys() if name in told}
    return said


async def _in_session(rows: PostgresTranscripts, key: TranscriptKey) -> list[TranscriptItem]:
    items = list(spoken_in_session(await rows.load(key) or ()))
    for subpath in await rows.list_subpaths(key):
        side = TranscriptKey(project_key=key.project_key, session_id=key.session_id, subpath=subpath)
        items += spoken_in_session(await rows.load(side) or (), side=subpath)
    return items


async def _events(connection: Connection, adw_id: str) -> list[Event]:
    events: list[Event] = []
    while True:
        after = events[-1].seq if events else 0
        page = await get_workflow_events(connection, adw_id, after=after, limit=_PAGE, types=SPEAKING)
        events += page
        if len(page) < _PAGE:
            return events


def _conversation(
    output: AgentOutput, outputs: Sequence[AgentOutput], said: Said, used: Usage | None
) -> ConversationView:
    source, items = said.get(output.session_id or "", ("none", ()))
    return ConversationView(
        id=output.id,
        role=output.agent_name,
        phase=output.phase,
        attempt=output.attempt,
        round=output.round,
        model=output.model,
        session_id=output.session_id,
        outcome="unfinished" if output.ended_at is None else "completed" if output.success else "failed",
        error_message=output.error_message,
        failure_class=output.failure_class,
        output_json=output.output_jsonl,
        retry_count=output.retry_count,
        turns=output.turns,
        duration_ms=output.duration_ms,
        usage=usage_view(used or _own_usage(output)),
        started_at=output.created_at,
        ended_at=output.ended_at,
        source=source,
        items=_share(output, outputs, items),
    )


def _share(
    output: AgentOutput, outputs: Sequence[AgentOutput], items: Sequence[TranscriptItem]
) -> tuple[TranscriptItem, ...]:
    """What was said from this record's start to the next one's that goes on in the same session."""
    starts = sorted(each.created_at for each in outputs if each.session_id == output.session_id)
    begin = _EARLIEST if output.created_at == starts[0] else output.created_at
    end = next((start for start in starts if start > output.created_at), _LATEST)
    return tuple(item for item in items if begin <= (item.at or starts[0]) < end)


def _own_usage(output: AgentOutput) -> Usage:
    """What the agent's program counted; it knows no prices."""
    tokens = Tokens(input=output.input_tokens, output=output.output_tokens)
    return Usage(requests=output.requests, tokens=tokens, cost_usd=None if output.requests else Usage().cost_usd)
