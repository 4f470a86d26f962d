"""Assembles the application: routes, guards, refusals, schema."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import Depends, FastAPI
from starlette.middleware import Middleware

from adw import __version__
from adw.api.access import Gate
from adw.api.access.door import Door
from adw.api.access.ledger import Ledger
from adw.api.access.openings import Openings
from adw.api.body_limit import BodyLimit
from adw.api.conditional import Conditional
from adw.api.counting import Counting, Counts
from adw.api.forge_health import ForgeProbe
from adw.api.guard import Guard
from adw.api.idempotency import Idempotency
from adw.api.openapi import install_schema, operation_name
from adw.api.problems import install_handlers
from adw.api.queries import check_query
from adw.api.routes import ROUTERS
from adw.api.services import ApiServices
from adw.kit.settings import Settings


def create_app(
    services: ApiServices,
    *,
    token: str,
    host: str = "127.0.0.1",
    data_dir: Path = Path("/"),
    stopping: asyncio.Event | None = None,
    settings: Settings | None = None,
) -> FastAPI:
    """The API over these services. Everything but `/health*` needs `token`.

    `host` is the address the server is bound to, `data_dir` the disk whose space readiness watches; setting `stopping`
    ends event streams, which would otherwise keep a server that is shutting down waiting. `settings` are what
    `/api/config` tells.
    """
    app = FastAPI(
        title="ADW Orchestrator",
        version=__version__,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_name,
        dependencies=[Depends(check_query)],
        middleware=[
            Middleware(Counting),
            Middleware(Ledger),
            Middleware(Guard, host=host),
            Middleware(Door),
            Middleware(Conditional),
            Middleware(BodyLimit),
            Middleware(Idempotency),
        ],
    )
    app.state.services = services
    app.state.gate = Gate(token=token)
    app.state.openings = Openings(app)
    app.state.counts = Counts()
    app.state.settings = settings
    app.state.data_dir = data_dir
    app.state.forge_probe = ForgeProbe()
    app.state.stopping = stopping or asyncio.Event()
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    for router in ROUTERS:
        app.include_router(router)
    install_handlers(app)
    install_schema(app)
    return app
