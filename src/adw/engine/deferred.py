"""An enqueuer that loads the engine when something is first enqueued: most processes only ever look and answer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from adw.ports.engine import Connection, JsonObject

if TYPE_CHECKING:
    from adw.engine.enqueuer import DbosEnqueuer


class DeferredEnqueuer:
    """Implements `adw.ports.engine.Enqueuer`. Loading the engine takes a good second of processor time."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def enqueue(self, connection: Connection, *, run_id: str, payload: JsonObject, priority: int = 0) -> None:
        await self._enqueuer.enqueue(connection, run_id=run_id, payload=payload, priority=priority)

    async def revoke(self, connection: Connection, *, run_id: str) -> None:
        await self._enqueuer.revoke(connection, run_id=run_id)

    def dispose(self) -> None:
        if "_enqueuer" in self.__dict__:
            self._enqueuer.dispose()

    @cached_property
    def _enqueuer(self) -> DbosEnqueuer:
        from adw.engine.enqueuer import DbosEnqueuer

        return DbosEnqueuer(self._url)
