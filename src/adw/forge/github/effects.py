"""Effects that happen once, whatever breaks: looked up before, and again when nobody knows whether they happened."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from adw.forge.github.client.turns import Patience
from adw.kit.errors import ForgeUnclearError
from adw.store.db import Database
from adw.store.locks import advisory_lock

T = TypeVar("T")

_MOST_AT_ONCE = 3
"""Each occupies a connection to the database."""


class Effects:
    """Makes things on GitHub, one at a time for each name, among all processes on the database."""

    def __init__(self, database: Database, patience: Patience) -> None:
        self._database = database
        self._patience = patience
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._room = asyncio.Semaphore(_MOST_AT_ONCE)

    @property
    def looks_s(self) -> tuple[float, ...]:
        return self._patience.looks_s

    async def once(self, name: str, *, find: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]) -> T:
        """What `find` finds, else what `make` makes. Raises `ForgeUnclearError` when that stays unknown."""
        found = await find()
        if found is not None:
            return found
        async with self._alone(name):
            return await self._make(find, make)

    async def settle(
        self,
        *,
        read: Callable[[], Awaitable[T]],
        is_done: Callable[[T], bool],
        act: Callable[[T], Awaitable[T]],
    ) -> T:
        """Acts until what is read is as wanted. `act` does no harm twice, and returns what became of it."""
        for pause_s in (*self._patience.repeats_s, None):
            present = await read()
            if is_done(present):
                return present
            try:
                return await act(present)
            except ForgeUnclearError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
        raise AssertionError

    async def _make(self, find: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]) -> T:
        # Whoever had the lock before may have made it since we looked.
        found = await find()
        for pause_s in (*self._patience.repeats_s, None):
            if found is not None:
                return found
            try:
                return await make()
            except ForgeUnclearError:
                found = await self._look_again(find)
                if found is None and pause_s is None:
                    raise
        raise AssertionError

    async def _look_again(self, find: Callable[[], Awaitable[T | None]]) -> T | None:
        for pause_s in self._patience.looks_s:
            await asyncio.sleep(pause_s)
            found = await find()
            if found is not None:
                return found
        return None

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncGenerator[None]:
        async with self._locks[name], self._room, advisory_lock(self._database, f"github {name}"):
            yield
        if not self._locks[name].locked():
            self._locks.pop(name, None)
