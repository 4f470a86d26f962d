"""The engine's own connections: a small synchronous pool whose losses are recognised as such."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from adw.engine.outage import lost_connection
from adw.store.db import end_stalled_transactions
from adw.store.lively import ask_the_idle

_POOL_TIMEOUT_S = 30


def engine_pool(url: str, *, size: int) -> Engine:
    """A pool for DBOS. It retries lost connections but knows them by their wording over TCP only; we tell it."""
    pool = create_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        connect_args={"prepare_threshold": None, "application_name": "adw-engine"},
    )
    event.listen(pool, "handle_error", _mark_lost)
    ask_the_idle(pool)
    end_stalled_transactions(pool)
    return pool


def _mark_lost(context: ExceptionContext) -> None:
    if lost_connection(context.original_exception):
        context.is_disconnect = True
