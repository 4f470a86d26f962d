"""Starts of agents on a host, spread over time: all its workers share one row, so that none starts more than it can.

A start is a promise of a moment. Who dies before it comes has wasted that moment and nothing else.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_RESERVE = text("""
INSERT INTO host_starts AS h (host_id, due_at)
VALUES (:host_id, clock_timestamp() + make_interval(secs => :interval_s))
ON CONFLICT (host_id) DO UPDATE
SET due_at = least(greatest(h.due_at, clock_timestamp()), clock_timestamp() + make_interval(secs => :horizon_s))
    + make_interval(secs => :interval_s)
RETURNING extract(epoch FROM due_at - clock_timestamp())::float AS due_s
""")

_DUE = text("SELECT extract(epoch FROM due_at - clock_timestamp())::float FROM host_starts WHERE host_id = :host_id")

HORIZON_S = 240.0
"""No start is promised for much later than this, whatever clocks have done."""


async def reserve_start(connection: AsyncConnection, *, host_id: str, interval_s: float, burst: int) -> float:
    """Seconds to wait before starting an agent, or 0. Starts come `interval_s` apart, `burst` of them at once."""
    parameters = {"host_id": host_id, "interval_s": interval_s, "horizon_s": HORIZON_S}
    due_s = (await connection.execute(_RESERVE, parameters)).scalar_one()
    return max(0.0, due_s - burst * interval_s)


async def starts_due_s(connection: AsyncConnection, *, host_id: str) -> float:
    """How far ahead starts are promised on a host, in seconds."""
    due_s = (await connection.execute(_DUE, {"host_id": host_id})).scalar_one_or_none()
    return max(0.0, due_s or 0.0)
