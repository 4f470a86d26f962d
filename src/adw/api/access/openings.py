"""What is open for somebody: sockets and streams. They end at once when a token is revoked or a session has ended.

Whatever server took the token back says so through the database; while nothing is open, nobody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request

from adw.api.access.gate import gate_of
from adw.domain.access import Principal
from adw.kit.errors import DatabaseError
from adw.kit.log import get_logger
from adw.store.db import Database
from adw.store.listen import hear
from adw.store.notify import ACCESS_CHANNEL
from adw.store.sessions_web import usable_ids

_log = get_logger("api")


@dataclass(slots=True, eq=False)
class Opening:
    """Something open. `wake` is called when it is over, which may be because the whole server stops."""

    ids: frozenset[str]
    stopping: asyncio.Event
    wake: Callable[[], None]
    is_withdrawn: bool = False

    @property
    def is_over(self) -> bool:
        return self.is_withdrawn or self.stopping.is_set()


Opened: TypeAlias = Callable[[Callable[[], None]], AbstractAsyncContextManager[Opening]]
"""Opens something, for who is to be woken when it is over."""


def opened_for(request: Request) -> Opened:
    """As long as whoever sent the request may follow what it asks for."""
    openings: Openings = request.app.state.openings
    return openings.of(request.state.principal)


class Openings:
    """One for each application."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._open: set[Opening] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._checks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self, principal: Principal, *, wake: Callable[[], None]) -> AsyncGenerator[Opening]:
        """Open until the block ends. Whoever holds it looks at `is_over` when woken."""
        ids = frozenset(each for each in (principal.token_id, principal.session_id) if each is not None)
        opening = Opening(ids, self._app.state.stopping, wake)
        self._open.add(opening)
        if not self._tasks:
            self._begin(opening.stopping)
        try:
            yield opening
        finally:
            self._open.discard(opening)
            if not self._open:
                await self._end()

    def of(self, principal: Principal) -> Opened:
        """The same, still to be entered."""
        return lambda wake: self.opened(principal, wake=wake)

    def _begin(self, stopping: asyncio.Event) -> None:
        database: Database = self._app.state.services.database
        heard = hear(database, [ACCESS_CHANNEL], self._withdrawn, anew=self._look_at_all)
        self._tasks = [
            asyncio.create_task(heard, name="access-listening"),
            asyncio.create_task(self._stopped(stopping), name="access-stopping"),
        ]

    async def _end(self) -> None:
        """Checks are let finish: a connection that is being opened for one would be lost."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.wait({*tasks, *self._checks})

    async def _stopped(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        for opening in tuple(self._open):
            opening.wake()

    def _withdrawn(self, _channel: str, withdrawn: str) -> None:
        gate_of(self._app).forget()
        self._end_those(lambda opening: withdrawn in opening.ids)

    def _end_those(self, are_over: Callable[[Opening], bool]) -> None:
        for opening in tuple(self._open):
            if are_over(opening):
                opening.is_withdrawn = True
                opening.wake()

    def _look_at_all(self) -> None:
        """What was withdrawn before we listened, nobody has told us."""
        task = asyncio.create_task(self._check_all(), name="access-checking")
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _check_all(self) -> None:
        gate_of(self._app).forget()
        ids = frozenset[str]().union(*(opening.ids for opening in self._open))
        if not ids:
            return
        try:
            async with self._app.state.services.database.read() as connection:
                usable = await usable_ids(connection, ids)
        except DatabaseError as error:  # it is asked again when listening begins again
            _log.warning("access_not_checked", reason=error.message)
            return
        self._end_those(lambda opening: not (opening.ids & ids) <= usable)
