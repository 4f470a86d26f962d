"""What few workflows have: one look says which of it is worth reading, and mostly it is nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_EXTRAS = text(
    """
    SELECT EXISTS (SELECT FROM adw_approvals WHERE adw_id = :adw_id AND decision = 'pending') AS approvals,
           EXISTS (SELECT FROM adw_workflows WHERE forked_from = :adw_id) AS forks,
           EXISTS (SELECT FROM adw_messages WHERE adw_id = :adw_id AND delivered_at IS NULL) AS unheard,
           EXISTS (SELECT FROM adw_watches WHERE adw_id = :adw_id AND stage = 'open') AS clashes
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """Whether there may be any."""

    approvals: bool
    forks: bool
    unheard: bool
    clashes: bool


async def extras_of(connection: AsyncConnection, adw_id: str) -> Extras:
    row = (await connection.execute(_EXTRAS, {"adw_id": adw_id})).one()
    return Extras(approvals=row.approvals, forks=row.forks, unheard=row.unheard, clashes=row.clashes)
