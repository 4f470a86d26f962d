"""Everything that forges and clocks told us, written down before anybody works on it, and what became of it.

A row that may start work carries the key of what happened; only one row can have it, whichever process hears of it and
by whichever way. Whoever works on a row holds it for a while, and when they die another one takes it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.domain.notices import Notice, decode_notice, encode_notice, may_start_work, name_of, number_of
from adw.domain.triggers import Delivery, Outcome, TriggerSource, Verdict
from adw.store.json import storable, storable_text
from adw.store.tables.triggers import deliveries

TRIGGER_CHANNEL = "adw_triggers"
HOLD_S = 90.0
"""How long whoever works on a row has for it before another one may."""
KEEP = timedelta(days=30)
KEEP_ROWS = 20_000

_CLAIM = text("""
UPDATE webhook_deliveries
SET attempts = attempts + 1, due_at = clock_timestamp() + make_interval(secs => :hold_s)
WHERE id = (
    SELECT id FROM webhook_deliveries WHERE outcome = 'pending' AND due_at <= clock_timestamp()
    ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
""")

_REFUSED = text("""
INSERT INTO webhook_deliveries (source, event, semantic_key, outcome, reason, detail, settled_at)
VALUES ('webhook', :event, :key || to_char(clock_timestamp(), 'YYYYMMDDHH24'), 'refused', :reason, :detail,
    clock_timestamp())
ON CONFLICT (semantic_key) DO UPDATE
SET times = webhook_deliveries.times + 1, settled_at = clock_timestamp()
""")

_OVERFLOW = text("""
DELETE FROM webhook_deliveries WHERE outcome <> 'pending' AND id <= (
    SELECT id FROM webhook_deliveries ORDER BY id DESC OFFSET :kept LIMIT 1)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Something to be written down. `guid` is the sender's own id of the delivery, where there is one.

    Without a verdict the notice is to be worked on.
    """

    source: TriggerSource
    event: str
    guid: str | None = None
    repository: str | None = None
    sender: str | None = None
    notice: Notice | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of an arrival at once. Of a delivery that was there before nothing new is written down."""

    id: int
    outcome: Outcome
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A row somebody holds and works on. `attempts` counts this one."""

    id: int
    source: TriggerSource
    notice: Notice | None
    """None where it cannot be read any more, as when an older program wrote it."""
    attempts: int


async def record(connection: AsyncConnection, arrival: Arrival) -> Recorded:
    """Writes it down once. What is told again, under whatever delivery id, is a duplicate of the first telling."""
    known = None if arrival.guid is None else await _by_guid(connection, arrival.guid)
    if known is not None:
        return await _told_again(connection, known)
    values = _values(arrival)
    written = upsert(deliveries).values(values).on_conflict_do_nothing().returning(deliveries.c.id)
    new_id = (await connection.execute(written)).scalar_one_or_none()
    if new_id is not None:
        if values["outcome"] == Outcome.PENDING.value:
            await _wake(connection)
        return Recorded(id=new_id, outcome=Outcome(values["outcome"]), reason=values["reason"])
    known = None if arrival.guid is None else await _by_guid(connection, arrival.guid)
    if known is not None:
        return await _told_again(connection, known)
    return await _duplicate(connection, arrival, values)


async def count_refused(connection: AsyncConnection, *, event: str, verdict: Verdict) -> None:
    """Notes a delivery from nobody knows whom: one row an hour and reason, however many there are."""
    values = {
        "event": storable_text(event)[:100],
        "key": f"refused:{verdict.why}:",
        "reason": str(verdict.why),
        "detail": verdict.detail,
    }
    await connection.execute(_REFUSED, values)


async def claim(connection: AsyncConnection, *, hold_s: float = HOLD_S) -> Task | None:
    """The oldest row that nobody works on; it is the caller's for `hold_s`."""
    row = (await connection.execute(_CLAIM, {"hold_s": hold_s})).mappings().first()
    if row is None:
        return None
    return Task(
        id=row["id"],
        source=TriggerSource(row["source"]),
        notice=_readable(row["notice"]),
        attempts=row["attempts"],
    )


async def settle(
    connection: AsyncConnection, delivery_id: int, verdict: Verdict, *, project_id: str | None = None
) -> None:
    """What became of it in the end. A row that is settled stays as it is."""
    given: dict[str, Any] = {} if project_id is None else {"project_id": project_id}
    statement = (
        update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.outcome == Outcome.PENDING.value)
        .values(**given, **_verdict(verdict), notice=None, settled_at=func.clock_timestamp())
    )
    await connection.execute(statement)


async def postpone(connection: AsyncConnection, delivery_id: int, *, by_s: float, detail: str) -> None:
    """Gives a row back, to be tried again after a while."""
    due = func.clock_timestamp() + timedelta(seconds=by_s)
    statement = update(deliveries).where(deliveries.c.id == delivery_id).values(due_at=due, detail=_short(detail))
    await connection.execute(statement)


async def purge(connection: AsyncConnection, *, keep: timedelta = KEEP, rows: int = KEEP_ROWS) -> int:
    """Removes what is settled and old, or beyond the number of rows that are kept. Returns how many."""
    old = delete(deliveries).where(
        deliveries.c.outcome != Outcome.PENDING.value, deliveries.c.received_at < func.clock_timestamp() - keep
    )
    removed = (await connection.execute(old)).rowcount
    return removed + (await connection.execute(_OVERFLOW, {"kept": rows})).rowcount


async def list_deliveries(
    connection: AsyncConnection,
    *,
    project_id: str | None = None,
    repository: str | None = None,
    outcomes: Sequence[Outcome] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Newest first. `before` is the id where a page ended. A project's are those of its repository as well."""
    query = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if project_id is not None:
        mine = deliveries.c.project_id == project_id
        by_name = func.lower(deliveries.c.repository) == (repository or "").lower()
        query = query.where(mine | by_name)
    if outcomes:
        query = query.where(deliveries.c.outcome.in_([each.value for each in outcomes]))
    if before is not None:
        query = query.where(deliveries.c.id < before)
    return [_delivery(row) for row in (await connection.execute(query)).mappings()]


async def _by_guid(connection: AsyncConnection, guid: str) -> RowMapping | None:
    query = select(deliveries.c.id, deliveries.c.outcome, deliveries.c.reason).where(deliveries.c.guid == guid)
    return (await connection.execute(query)).mappings().first()


async def _told_again(connection: AsyncConnection, row: RowMapping) -> Recorded:
    again = update(deliveries).where(deliveries.c.id == row["id"]).values(times=deliveries.c.times + 1)
    await connection.execute(again)
    return Recorded(id=row["id"], outcome=Outcome.DUPLICATE, reason=row["reason"])


async def _duplicate(connection: AsyncConnection, arrival: Arrival, values: dict[str, Any]) -> Recorded:
    """Of something we know from another delivery: it is counted there, and a delivery of its own id noted."""
    query = select(deliveries.c.id, deliveries.c.outcome, deliveries.c.reason).where(
        deliveries.c.semantic_key == values["semantic_key"]
    )
    first = (await connection.execute(query)).mappings().one()
    if arrival.guid is None:
        return await _told_again(connection, first)
    detail = f"the same as {first['id']}"
    settled = {"outcome": Outcome.DUPLICATE.value, "reason": "repeated", "detail": detail, "notice": None}
    added = values | settled | {"semantic_key": None, "settled_at": func.clock_timestamp()}
    written = upsert(deliveries).values(added).on_conflict_do_nothing().returning(deliveries.c.id)
    new_id = (await connection.execute(written)).scalar_one_or_none()
    return Recorded(id=new_id or first["id"], outcome=Outcome.DUPLICATE, reason="repeated")


def _values(arrival: Arrival) -> dict[str, Any]:
    notice = arrival.notice
    is_work = notice is not None and arrival.verdict is None
    values: dict[str, Any] = {
        "source": arrival.source.value,
        "guid": arrival.guid,
        "event": storable_text(arrival.event)[:100],
        "repository": None if arrival.repository is None else storable_text(arrival.repository),
        "sender": None if arrival.sender is None else storable_text(arrival.sender),
        "number": None if notice is None else number_of(notice),
        "semantic_key": notice.key if notice is not None and is_work and may_start_work(notice) else None,
        "notice": storable(encode_notice(notice)) if notice is not None and is_work else None,
        "outcome": Outcome.PENDING.value,
        "reason": None,
    }
    if arrival.verdict is not None:
        values |= _verdict(arrival.verdict) | {"settled_at": func.clock_timestamp()}
    return values


def arrival_of(notice: Notice, source: TriggerSource, *, guid: str | None = None, event: str | None = None) -> Arrival:
    """A notice to be worked on."""
    origin = notice.origin
    return Arrival(
        source=source,
        event=event or name_of(notice),
        guid=guid,
        repository=origin.repository,
        sender=origin.sender.login,
        notice=notice,
    )


def _readable(value: Any) -> Notice | None:
    try:
        return decode_notice(value)
    except ValidationError:
        return None


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "outcome": verdict.outcome.value,
        "reason": None if verdict.why is None else str(verdict.why),
        "detail": _short(verdict.detail),
        "adw_id": verdict.adw_id,
    }


def _short(detail: str) -> str:
    return storable_text(detail)[:2000]


async def _wake(connection: AsyncConnection) -> None:
    """Announced when the transaction commits. Deliveries are few, so the lock this takes is no matter."""
    await connection.execute(select(func.pg_notify(TRIGGER_CHANNEL, "")))


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(
        id=row["id"],
        source=TriggerSource(row["source"]),
        event=row["event"],
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        detail=row["detail"],
        repository=row["repository"],
        project_id=row["project_id"],
        sender=row["sender"],
        number=row["number"],
        adw_id=row["adw_id"],
        times=row["times"],
        attempts=row["attempts"],
        received_at=row["received_at"],
        settled_at=row["settled_at"],
    )
