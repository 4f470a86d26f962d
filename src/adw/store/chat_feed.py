"""From the events of all workflows to the inboxes of those who want to be woken by them, each event exactly once.

Transactions end in another order than they begin. So only events are read whose transactions began before the oldest
one that is still open, and how far that was is stored together with what was taken.
"""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.events import Event, EventType
from adw.store.json import storable_text
from adw.store.tables.workflows import events

WAKING = (EventType.APPROVAL_REQUESTED, EventType.WORKFLOW_FAILED, EventType.WORKFLOW_COMPLETED)
"""What a person would want to be told of at once. So is a round on an open pull request, as red checks begin one."""
TROUBLES = (
    EventType.WORKFLOW_FAILED,
    EventType.PHASE_FAILED,
    EventType.GATE_FAILED,
    EventType.AGENT_STUCK,
    EventType.BUDGET_WARNING,
    EventType.WORKER_LOST,
    EventType.ERROR,
)

_FEED = text(
    """
    WITH horizon AS MATERIALIZED (
        SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
    ), listener AS MATERIALIZED (
        SELECT id, wake, fed_xid FROM orchestrator_agents, horizon
        WHERE NOT archived AND fed_xid < horizon.xid
        FOR UPDATE OF orchestrator_agents SKIP LOCKED
    ), taken AS (
        INSERT INTO orchestrator_inbox (orchestrator_agent_id, kind, author, body, adw_id, event_seq)
        SELECT listener.id, 'event', 'events',
               event.event_type || coalesce(' [' || event.phase || ']', '') || ': ' || event.message,
               event.adw_id, event.seq
        FROM listener, horizon, adw_workflow_events AS event
        WHERE listener.wake AND event.xid >= listener.fed_xid AND event.xid < horizon.xid
              AND (event.event_type = ANY (:types)
                   OR (event.event_type = 'workflow_queued' AND jsonb_exists(event.data->'causes', 'checks')))
        ORDER BY event.xid, event.adw_id, event.seq
        ON CONFLICT DO NOTHING
        RETURNING orchestrator_agent_id
    ), moved AS (
        UPDATE orchestrator_agents AS mine SET fed_xid = horizon.xid
        FROM horizon, listener WHERE mine.id = listener.id
    )
    SELECT count(*) FROM taken
    """
)
_NEWS = text(
    """
    SELECT EXISTS (
        SELECT FROM orchestrator_agents AS mine, adw_workflow_events AS event
        WHERE NOT mine.archived AND event.xid >= mine.fed_xid
              AND event.xid < pg_snapshot_xmin(pg_current_snapshot())
    )
    """
)


async def has_news(connection: AsyncConnection) -> bool:
    """Whether anything happened since the inboxes were last fed. A look only."""
    return bool((await connection.execute(_NEWS)).scalar_one())


async def feed_inboxes(connection: AsyncConnection) -> int:
    """Puts what happened since the last time into the inboxes; returns how many items that made."""
    types = [each.value for each in WAKING]
    return (await connection.execute(_FEED, {"types": types})).scalar_one()


async def recent_troubles(connection: AsyncConnection, *, limit: int = 50, contains: str | None = None) -> list[Event]:
    """Failures and warnings of all workflows, the latest first."""
    query = (
        select(events)
        .where(events.c.event_type.in_([each.value for each in TROUBLES]))
        .order_by(events.c.xid.desc(), events.c.adw_id, events.c.seq.desc())
        .limit(limit)
    )
    if contains:
        query = query.where(func.strpos(func.lower(events.c.message), storable_text(contains).lower()) > 0)
    return [
        Event(
            adw_id=row["adw_id"],
            seq=row["seq"],
            type=EventType(row["event_type"]),
            phase=row["phase"],
            message=row["message"],
            data=row["data"],
            created_at=row["created_at"],
        )
        for row in (await connection.execute(query)).mappings()
    ]
