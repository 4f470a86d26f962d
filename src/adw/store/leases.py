"""Ports leased to workflows, one pair each, keyed by host so that hosts do not compete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.kit.errors import InfrastructureError
from adw.store.tables.work import port_leases
from adw.store.tables.workflows import workflows

PURPOSES = ("backend", "frontend")


_ENDED = ("completed", "failed", "cancelled")
_PAUSED = ("waiting", "paused")
"""Nothing of these runs either, but they are to go on."""


class PortsTakenError(InfrastructureError):
    """No ports are left for another workspace"""

    code = "ports_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortPair:
    """The two ports of a workflow's own services."""

    backend: int
    frontend: int


async def lease_ports(
    connection: AsyncConnection,
    *,
    adw_id: str,
    host: str,
    candidates: Sequence[PortPair],
    is_free: Callable[[int], bool],
    make_room: Callable[[AsyncConnection], Awaitable[bool]] | None = None,
) -> PortPair:
    """The workflow's pair on this host, taken from the first candidates that nobody leases or listens on.

    `make_room` is called while there is none; it tells whether it gave a pair back that others held.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('adw.ports'))"))
    held = await held_ports(connection, adw_id=adw_id, host=host)
    if held is not None:
        return held
    await release_ports(connection, adw_id=adw_id)
    pair = await _free_pair(connection, host=host, candidates=candidates, is_free=is_free)
    while pair is None:
        if make_room is None or not await make_room(connection):
            raise PortsTakenError(
                "all ports for workspaces are in use",
                hint="let fewer workflows run at once (ADW_MAX_CONCURRENT_WORKFLOWS), or move ADW_BACKEND_PORT_START",
            )
        pair = await _free_pair(connection, host=host, candidates=candidates, is_free=is_free)
    rows = [
        {"host": host, "port": port, "adw_id": adw_id, "purpose": purpose}
        for port, purpose in zip((pair.backend, pair.frontend), PURPOSES, strict=True)
    ]
    await connection.execute(insert(port_leases).values(rows))
    return pair


async def longest_at_rest(connection: AsyncConnection, *, host: str) -> str | None:
    """The workflow that has ports on this host and has not been at work for longest, locked; None without one.

    One in a person's hands is never named: they may be running something on its ports.
    """
    query = (
        select(workflows.c.adw_id)
        .where(
            workflows.c.adw_id.in_(select(port_leases.c.adw_id).where(port_leases.c.host == host)),
            workflows.c.status.in_((*_ENDED, *_PAUSED)),
            workflows.c.held_by.is_(None),
        )
        .order_by(workflows.c.status.in_(_PAUSED), workflows.c.updated_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def _free_pair(
    connection: AsyncConnection, *, host: str, candidates: Sequence[PortPair], is_free: Callable[[int], bool]
) -> PortPair | None:
    taken = set((await connection.execute(select(port_leases.c.port).where(port_leases.c.host == host))).scalars())
    for pair in candidates:
        ports = (pair.backend, pair.frontend)
        if not taken.intersection(ports) and all(map(is_free, ports)):
            return pair
    return None


async def held_ports(connection: AsyncConnection, *, adw_id: str, host: str) -> PortPair | None:
    """The workflow's pair on this host, if it has one here."""
    query = select(port_leases.c.purpose, port_leases.c.port).where(
        port_leases.c.adw_id == adw_id, port_leases.c.host == host
    )
    ports: dict[str, int] = {row.purpose: row.port for row in await connection.execute(query)}
    return PortPair(**ports) if set(ports) == set(PURPOSES) else None


async def release_ports(connection: AsyncConnection, *, adw_id: str) -> None:
    await connection.execute(delete(port_leases).where(port_leases.c.adw_id == adw_id))


async def lease_hosts(connection: AsyncConnection) -> dict[str, str]:
    """On which host each workflow has its ports, by `adw_id`: its workspace is there."""
    query = select(port_leases.c.adw_id, port_leases.c.host).distinct()
    return {row.adw_id: row.host for row in await connection.execute(query)}


async def list_leases(connection: AsyncConnection) -> list[dict[str, object]]:
    rows = (await connection.execute(select(port_leases).order_by(port_leases.c.port))).mappings()
    return [dict(row) for row in rows]
