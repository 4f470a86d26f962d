"""Ports leased to workflows, one pair each, keyed by host so that hosts do not compete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.kit.errors import InfrastructureError
from adw.store.tables.work import port_leases

PURPOSES = ("backend", "frontend")


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
) -> PortPair:
    """The workflow's pair on this host, taken from the first candidates that nobody leases or listens on."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('adw.ports'))"))
    held = await held_ports(connection, adw_id=adw_id, host=host)
    if held is not None:
        return held
    await release_ports(connection, adw_id=adw_id)
    taken = set((await connection.execute(select(port_leases.c.port).where(port_leases.c.host == host))).scalars())
    for pair in candidates:
        ports = (pair.backend, pair.frontend)
        if not taken.intersection(ports) and all(map(is_free, ports)):
            rows = [
                {"host": host, "port": port, "adw_id": adw_id, "purpose": purpose}
                for port, purpose in zip(ports, PURPOSES, strict=True)
            ]
            await connection.execute(insert(port_leases).values(rows))
            return pair
    raise InfrastructureError(
        "all ports for workspaces are taken",
        hint="remove finished workspaces with `adw worktree cleanup`, or move ADW_BACKEND_PORT_START",
    )


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
