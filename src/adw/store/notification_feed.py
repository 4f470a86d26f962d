"""From the events of all workflows to messages that are on their way, each event once for each rule.

Transactions end in another order than they begin. So only events are read whose transactions began before the oldest
one that is still open, and how far that was is stored together with what was taken.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.notification_times import Due, due_of
from adw.domain.notifications import RED_CHECKS, DeliveryState, Rule
from adw.kit.ids import new_uuid
from adw.store.notifications import rule_from
from adw.store.tables.notifications import channels, deliveries, items, rules

_NEWS = text(
    """
    SELECT EXISTS (
        SELECT FROM notification_rules AS rule, adw_workflow_events AS event
        WHERE event.xid >= rule.fed_xid AND event.xid < pg_snapshot_xmin(pg_current_snapshot())
    )
    """
)
_TAKE = text(
    """
    WITH horizon AS MATERIALIZED (
        SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
    ), listener AS MATERIALIZED (
        SELECT id, enabled, events, project_ids, fed_xid FROM notification_rules, horizon
        WHERE fed_xid < horizon.xid
        FOR UPDATE OF notification_rules SKIP LOCKED
    ), moved AS (
        UPDATE notification_rules AS mine SET fed_xid = horizon.xid
        FROM horizon, listener WHERE mine.id = listener.id
    )
    SELECT listener.id AS rule_id, event.adw_id, event.seq, named.event
    FROM listener, horizon, adw_workflow_events AS event
    JOIN adw_workflows AS workflow ON workflow.adw_id = event.adw_id,
    LATERAL (
        SELECT CASE WHEN event.event_type = 'workflow_queued' AND jsonb_exists(event.data->'causes', 'checks')
               THEN :red_checks ELSE event.event_type END AS event
    ) AS named
    WHERE listener.enabled AND event.xid >= listener.fed_xid AND event.xid < horizon.xid
          AND named.event = ANY (listener.events)
          AND (cardinality(listener.project_ids) = 0 OR workflow.project_id = ANY (listener.project_ids))
    ORDER BY event.xid, event.adw_id, event.seq
    """
)


async def has_news(connection: AsyncConnection) -> bool:
    """Whether anything happened since the rules last heard. A look only."""
    return bool((await connection.execute(_NEWS)).scalar_one())


async def feed_deliveries(connection: AsyncConnection, *, now: datetime) -> int:
    """Puts what happened since the last time on its way; returns how many events that were, rule by rule."""
    found = (await connection.execute(_TAKE, {"red_checks": RED_CHECKS})).all()
    known = await _rules_of(connection, {row.rule_id for row in found})
    for row in found:
        rule = known[row.rule_id]
        delivery_id = await _delivery_for(connection, rule, event=row.event, name=f"{row.adw_id}:{row.seq}", now=now)
        values = {
            "rule_id": rule.id,
            "adw_id": row.adw_id,
            "event_seq": row.seq,
            "event": row.event,
            "delivery_id": delivery_id,
        }
        await connection.execute(insert(items).values(values).on_conflict_do_nothing())
    return len(found)


async def _rules_of(connection: AsyncConnection, ids: set[str]) -> dict[str, Rule]:
    if not ids:
        return {}
    query = select(rules, channels.c.name.label("channel")).join(channels).where(rules.c.id.in_(ids))
    return {row["id"]: rule_from(row) for row in (await connection.execute(query)).mappings()}


async def _delivery_for(connection: AsyncConnection, rule: Rule, *, event: str, name: str, now: datetime) -> str:
    """The message that tells it: its own, or the one that gathers until then.

    A message that was tried already stays as it is; whoever got it the first time would not look at it again. What
    comes too late for one goes into the next.
    """
    due = due_of(rule, event=event, now=now)
    while (found := await _open_delivery(connection, rule, due, name=name)) is None:
        if not due.is_gathered:
            return await _told_already(connection, rule, name=name)
        due = due_of(rule, event=event, now=due.at)
    return found


async def _open_delivery(connection: AsyncConnection, rule: Rule, due: Due, *, name: str) -> str | None:
    values = {
        "id": str(new_uuid()),
        "channel_id": rule.channel_id,
        "rule_id": rule.id,
        "key": f"until:{due.at.isoformat()}" if due.is_gathered else f"event:{name}",
        "due_at": due.at,
    }
    is_untouched = (deliveries.c.state == DeliveryState.WAITING.value) & (deliveries.c.attempt == 0)
    statement = (
        insert(deliveries)
        .values(values)
        .on_conflict_do_update(
            index_elements=["rule_id", "key"], set_={"due_at": deliveries.c.due_at}, where=is_untouched
        )
        .returning(deliveries.c.id)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def _told_already(connection: AsyncConnection, rule: Rule, *, name: str) -> str:
    query = select(deliveries.c.id).where(deliveries.c.rule_id == rule.id, deliveries.c.key == f"event:{name}")
    return (await connection.execute(query)).scalar_one()
