"""Wake-ups for listeners: NOTIFY, coalesced every 10 ms in a transaction of its own.

A NOTIFY inside the writing transaction takes a lock that all writers share; one a tick does not. It only wakes:
whoever listens reads the events table, and polls it slowly besides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

CHANNEL = "adw_events"
WORK_CHANNEL = "adw_work"
ACCESS_CHANNEL = "adw_access"
"""Where the ids of tokens and sessions are told that may not be used any more."""
_TICK_S = 0.01

_log = structlog.get_logger(component="notify")


async def announce_withdrawal(connection: AsyncConnection, withdrawn_id: str) -> None:
    """Told when the transaction commits; it happens too seldom to be collected."""
    statement = text("SELECT pg_notify(:channel, :id)")
    await connection.execute(statement, {"channel": ACCESS_CHANNEL, "id": withdrawn_id})


class Notifier:
    """Collects ids of workflows with new events and announces them at most once a tick."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._dirty: set[str] = set()
        self._is_work = False
        self._ticker: asyncio.Task[None] | None = None

    def mark(self, adw_ids: Iterable[str], *, is_work: bool = False) -> None:
        """Announces these soon, to those who look for work only if it may be some. Called after commit, never before.

        Agents at work write many events a second, and none of them lets anything begin.
        """
        self._dirty.update(adw_ids)
        self._is_work |= is_work
        if self._dirty and (self._ticker is None or self._ticker.done()):
            self._ticker = asyncio.get_running_loop().create_task(self._drain())

    async def close(self) -> None:
        if self._ticker is not None:
            await self._ticker

    async def _drain(self) -> None:
        while self._dirty:
            await asyncio.sleep(0 if self._is_work else _TICK_S)
            ids, self._dirty = self._dirty, set()
            is_work, self._is_work = self._is_work, False
            try:
                await self._announce(ids, is_work=is_work)
            except DBAPIError as error:
                _log.warning("notify_failed", reason=str(error.orig))

    async def _announce(self, ids: set[str], *, is_work: bool) -> None:
        async with self._engine.begin() as connection:
            statement = text("SELECT pg_notify(:channel, id) FROM unnest(CAST(:ids AS text[])) AS id")
            await connection.execute(statement, {"channel": CHANNEL, "ids": list(ids)})
            if is_work:
                await connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": WORK_CHANNEL})
