"""Holds durable work, one piece after the other, each under a lease that is kept until it is over or unwanted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import structlog

from adw.kit.errors import AdwError, ConflictError, DatabaseError

POLL_S = 3.0
"""How long work may go unnoticed that nobody announced, or whose worker was lost."""
BEAT_S = 2.0

Work = TypeVar("Work")

_log = structlog.get_logger(component="holding")


class Source(Protocol[Work]):
    """Where work comes from and who does it. Whatever was lost to another worker raises a ConflictError."""

    async def take(self) -> Work | None:
        """The next piece, held by this worker from now on."""
        ...

    async def keep(self, work: Work) -> bool:
        """Holds the lease longer; whether somebody wants the work to end."""
        ...

    async def give_back(self, work: Work) -> None:
        """Lets another worker go on at once."""
        ...

    async def do(self, work: Work) -> None:
        """Does it to the end; cancelled, it leaves no process behind."""
        ...

    async def stopped(self, work: Work) -> None:
        """Ends what was unwanted, after `do` was cancelled."""
        ...


class Holder(Generic[Work]):
    """One for each kind of work in a worker; the database says who does what."""

    def __init__(self, source: Source[Work]) -> None:
        self._source = source
        self._waiting: set[asyncio.Event] = set()

    def wake(self) -> None:
        """There may be something to do, or somebody wants something to end."""
        for event in self._waiting:
            event.set()

    async def run(self, *, poll_s: float = POLL_S) -> None:
        """Until cancelled; work underway is given back, so that another worker goes on at once."""
        while True:
            try:
                if await self.hold_one():
                    continue
            except DatabaseError as error:
                _log.warning("work_delayed", reason=error.message)
            await self._pause(poll_s)

    async def hold_one(self) -> bool:
        """Holds one piece to its end; False when there is none, or none that this worker could finish."""
        try:
            work = await self._source.take()
        except ConflictError:  # another worker was faster; what this one had locked is rolled back
            return False
        if work is None:
            return False
        try:
            await self._hold(work)
        except DatabaseError:
            raise
        except ConflictError as error:
            _log.warning("work_lost", reason=error.message)
        except AdwError as error:  # it stays held until its lease has run out, and is tried again then
            _log.warning("work_failed", reason=error.message)
            return False
        return True

    async def _hold(self, work: Work) -> None:
        doing = asyncio.create_task(self._source.do(work))
        try:
            if await self._until_over(work, doing):
                await self._source.stopped(work)
            else:
                await doing
        except asyncio.CancelledError:
            await _end(doing)
            with suppress(DatabaseError):
                await self._source.give_back(work)
            raise
        finally:
            await _end(doing)

    async def _until_over(self, work: Work, doing: asyncio.Task[None]) -> bool:
        """Keeps the lease until the work is over; True when it was ended because somebody wanted that."""
        while not doing.done():
            if await self._is_unwanted(work, doing):
                await _end(doing)
                return doing.cancelled()
            pausing = asyncio.create_task(self._pause(BEAT_S))
            try:
                await asyncio.wait({doing, pausing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(pausing)
        return False

    async def _is_unwanted(self, work: Work, doing: asyncio.Task[None]) -> bool:
        try:
            return await self._source.keep(work)
        except ConflictError:
            await asyncio.wait({doing}, timeout=BEAT_S)  # it may have ended the work itself, just now
            if doing.done():
                return False
            raise

    async def _pause(self, seconds: float) -> None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
        finally:
            self._waiting.discard(event)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels it and waits until it is gone; what it ended with is its own business."""
    task.cancel()
    await asyncio.wait({task})
