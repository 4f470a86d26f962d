"""Whether the server is there, and whether work handed in now would be done. Open to everybody."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response

from adw.api.forge_health import ForgeProbe
from adw.api.inputs import Services
from adw.api.openapi import problems
from adw.api.services import ApiServices
from adw.api.wire import Wire
from adw.kit.errors import DatabaseError
from adw.store import workers
from adw.store.db import Database

LEAST_FREE_BYTES = 512 * 1024 * 1024
_PROBE_TIMEOUT_S = 3.0
_NOT_KNOWN = "not known without the database"

router = APIRouter(tags=["health"], responses=problems())


class Health(Wire):
    """The server answers."""

    status: Literal["ok"] = "ok"
    timestamp: datetime
    service: Literal["orchestrator"] = "orchestrator"


class Part(Wire):
    """One thing that work depends on."""

    ok: bool
    detail: str


class Readiness(Wire):
    """Whether work handed in now would be done, and if not, why.

    `degraded`: it is taken in, and waits for what is missing. `unavailable`: this server can take nothing in.
    """

    status: Literal["ok", "degraded", "unavailable"]
    timestamp: datetime
    service: Literal["orchestrator"] = "orchestrator"
    database: Part
    workers: Part
    disk: Part
    forge: Part


@router.get("/health")
async def health() -> Health:
    """Says that the server is there."""
    return Health(timestamp=datetime.now(UTC))


@router.get("/health/ready", responses={503: {"model": Readiness, "description": "Send requests elsewhere"}})
async def ready(services: Services, request: Request, response: Response) -> Readiness:
    """Probes database, workers, disk and forge.

    503 only without the database, when another server may do better. What all servers lack alike, such as workers or
    the forge, leaves this one as good as any other: 200, and `degraded`.
    """
    database, live = await _probe(services.database)
    disk = _disk(request.app.state.data_dir)
    forge = await _forge(services, request) if database.ok else Part(ok=False, detail=_NOT_KNOWN)
    if not database.ok:
        response.status_code = 503
    all_ok = live.ok and disk.ok and forge.ok
    return Readiness(
        status="unavailable" if not database.ok else "ok" if all_ok else "degraded",
        timestamp=datetime.now(UTC),
        database=database,
        workers=live,
        disk=disk,
        forge=forge,
    )


async def _forge(services: ApiServices, request: Request) -> Part:
    probe: ForgeProbe = request.app.state.forge_probe
    try:
        found = await probe.look(services)
    except DatabaseError:
        return Part(ok=False, detail=_NOT_KNOWN)
    return Part(ok=found.is_well, detail=found.detail)


async def _probe(database: Database) -> tuple[Part, Part]:
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            count = await _live_workers(database)
    except DatabaseError as error:
        return Part(ok=False, detail=error.message), Part(ok=False, detail=_NOT_KNOWN)
    except TimeoutError:
        silent = Part(ok=False, detail=f"no answer within {_PROBE_TIMEOUT_S:g} s")
        return silent, Part(ok=False, detail=_NOT_KNOWN)
    detail = f"{count} working" if count else "none; start one with `adw worker`"
    return Part(ok=True, detail="reachable"), Part(ok=count > 0, detail=detail)


async def _live_workers(database: Database) -> int:
    """Workers that hold their lease by the database's clock and still take work."""
    async with database.read() as connection:
        candidates = [worker for worker in await workers.live_workers(connection) if worker.drained_at is None]
        return sum([await workers.holds_lease(connection, worker_id=worker.id) for worker in candidates])


def _disk(folder: Path) -> Part:
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError as error:
        return Part(ok=False, detail=f"{folder}: {error.strerror}")
    detail = f"{free_bytes // (1024 * 1024)} MiB free"
    return Part(ok=free_bytes >= LEAST_FREE_BYTES, detail=detail)
