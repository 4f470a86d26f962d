"""Where the frames of a feed come from: one workflow's events, or everybody's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from adw.domain.events import Event
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.feed import Position, read_all
from adw.stream.ring import At, Frame

T = TypeVar("T")

Encode = Callable[[Event, str | None], str]
"""Makes an event what is sent of it, with its cursor where it is told among those of all workflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[At]):
    """Frames after a place, oldest first."""

    frames: Sequence[Frame[At]]
    upto: At
    """Everything up to here has been read."""
    is_more: bool


class Source(Protocol[At]):
    """Reads what was written, from any place on. Raises DatabaseError while the database cannot be used."""

    async def read(self, after: At, *, limit: int) -> Page[At]: ...


class Reads:
    """What followers read from the database, a few at once. A read goes on even if whoever asked has gone away:
    a connection that is being opened for it would be lost with it.
    """

    def __init__(self, *, at_once: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(self._in_turn(work))
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    async def finished(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _in_turn(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._turns:
            return await work

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here, because nobody else may be left to do so


class OneWorkflow:
    """Events of a workflow; places are their `seq`."""

    def __init__(self, database: Database, adw_id: str, encode: Encode, *, reads: Reads) -> None:
        self._database = database
        self._reads = reads
        self._adw_id = adw_id
        self._encode = encode

    async def read(self, after: int, *, limit: int) -> Page[int]:
        return await self._reads.run(self._read(after, limit=limit))

    async def _read(self, after: int, *, limit: int) -> Page[int]:
        async with self._database.read() as connection:
            events = await get_workflow_events(connection, self._adw_id, after=after, limit=limit)
        frames = frames_of(events, self._encode)
        return Page(frames=frames, upto=frames[-1].at if frames else after, is_more=len(frames) == limit)


class AllWorkflows:
    """Events of all workflows in the order every process agrees on."""

    def __init__(self, database: Database, encode: Encode, *, reads: Reads) -> None:
        self._database = database
        self._reads = reads
        self._encode = encode

    async def read(self, after: Position, *, limit: int) -> Page[Position]:
        return await self._reads.run(self._read(after, limit=limit))

    async def _read(self, after: Position, *, limit: int) -> Page[Position]:
        async with self._database.read() as connection:
            page = await read_all(connection, after, limit=limit)
        return Page(frames=placed_frames(page.events, self._encode), upto=page.upto, is_more=page.is_more)


def frames_of(events: Sequence[Event], encode: Encode) -> list[Frame[int]]:
    return [Frame(at=event.seq, type=event.type, text=encode(event, None)) for event in events]


def placed_frames(events: Sequence[tuple[Position, Event]], encode: Encode) -> list[Frame[Position]]:
    return [Frame(at=at, type=event.type, text=encode(event, str(at))) for at, event in events]
