"""Who may ask GitHub now: all processes share one budget of each credential, in the database."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from adw.domain.rates import Cost, RateLimits
from adw.forge.github.client.errors import limit_error
from adw.forge.github.client.headers import Allowance
from adw.store import github_budget
from adw.store.db import Database

RESOURCES = ("core", "graphql")
_LOW = 100
"""With so few requests left, every answer's word on it is written down."""
_NOTE_EVERY_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much is asked at once and how long is waited, in seconds."""

    most_at_once: int = 12
    most_wait_s: float = 90.0
    """Who would have to wait longer for a limit's end gets an error that names it."""
    repeats_s: tuple[float, ...] = (0.5, 1.5, 4.0)
    """Before asking again after a failure that may pass."""
    looks_s: tuple[float, ...] = (0.3, 0.7, 1.5, 3.0)
    """Before looking again for an effect that may have happened: what GitHub shows lags behind."""


class Turns:
    """The budget as this process sees it."""

    def __init__(self, database: Database, *, rest: RateLimits, graphql: RateLimits, patience: Patience) -> None:
        self._database = database
        self._limits = {"core": rest, "graphql": graphql}
        self._patience = patience
        self._free = asyncio.Semaphore(patience.most_at_once)
        self._noted: dict[tuple[str, str], tuple[datetime | None, float]] = {}

    @asynccontextmanager
    async def turn(self, credential: str, *, resource: str, cost: Cost) -> AsyncGenerator[None]:
        """Waits until the request may go. Raises `ForgeLimitError` when that would take too long."""
        await self._wait(credential, resource=resource, cost=cost)
        async with self._free:
            yield

    async def note(self, credential: str, allowance: Allowance | None) -> None:
        """Remembers what is left; not at every answer, unless it is little."""
        if allowance is None or allowance.resets_at is None or allowance.resource not in self._limits:
            return
        name, now = (credential, allowance.resource), time.monotonic()
        resets_at, noted = self._noted.get(name, (None, 0.0))
        if resets_at == allowance.resets_at and allowance.remaining > _LOW and now - noted < _NOTE_EVERY_S:
            return
        self._noted[name] = (allowance.resets_at, now)
        async with self._database.begin() as connection:
            await github_budget.note_allowance(
                connection,
                credential=credential,
                resource=allowance.resource,
                allowance=allowance.limit,
                remaining=allowance.remaining,
                resets_at=allowance.resets_at,
            )

    async def hold(self, credential: str, *, for_s: float | None) -> None:
        """Nobody uses the credential for a while, whatever for."""
        async with self._database.begin() as connection:
            for resource in RESOURCES:
                await github_budget.note_hold(connection, credential=credential, resource=resource, for_s=for_s)

    async def _wait(self, credential: str, *, resource: str, cost: Cost) -> None:
        deadline = time.monotonic() + self._patience.most_wait_s
        while True:
            async with self._database.begin() as connection:
                turn = await github_budget.take_turn(
                    connection, credential=credential, resource=resource, cost=cost, limits=self._limits[resource]
                )
            if turn.wait_s == 0:
                return
            if time.monotonic() + turn.wait_s > deadline:
                raise limit_error(turn.until)
            await asyncio.sleep(turn.wait_s)
