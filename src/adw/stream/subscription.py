"""One follower of one feed: first what was written before, then what is written, each event once and in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic

from adw.kit.errors import AdwError, DatabaseError
from adw.stream.ring import At, Frame, Ring
from adw.stream.source import Source

BATCH = 50
"""Frames a follower is given at once; all it holds of a feed."""
RETRY_S = 0.5
_MAX_DELTAS = 16


class LaggedError(AdwError):
    """Too slow: what comes next is no longer held; subscribe again after the last event received"""

    code = "lagged"
    status = 503
    retryable = True


class Subscription(Generic[At]):
    """A place in a feed that moves on as it is read.

    It holds nothing itself but the place: frames are kept once, in the feed's ring, and older ones are read from the
    database. So somebody who does not read costs nothing but its place. `wake` is called whenever there may be news.
    """

    def __init__(
        self,
        *,
        name: str,
        at: At,
        ring: Ring[At],
        source: Source[At],
        wake: Callable[[Subscription[Any]], None],
        leave: Callable[[Subscription[Any]], None],
    ) -> None:
        self.name = name
        self.at: Any = at
        """The place of the last frame given out."""
        self.is_open = True
        self._ring: Ring[Any] = ring
        self._source: Source[Any] = source
        self._wake = wake
        self._leave = leave
        self._number: int | None = None
        """Of the next frame in the ring, once that holds all that is missing."""
        self._deltas: deque[str] = deque(maxlen=_MAX_DELTAS)
        self._problem: AdwError | None = None

    @property
    def is_current(self) -> bool:
        """Whether it has been given all that this process knows of."""
        return self._number is not None and self._number >= self._ring.next_number

    async def take(self) -> Sequence[Frame[At]]:
        """The next frames, none if there are none now. A database that is away is waited for.

        Raises LaggedError, and ends the subscription, when the frames it would need have made room for newer ones.
        """
        if self._problem is not None:
            raise self._problem
        while self.is_open:
            if self._number is None:
                self._number = self._place_in_ring()
            if self._number is None:
                frames = await self._replay()
            else:
                frames = self._live(self._number)
            if frames or self.is_current:
                return frames
        return []

    def take_deltas(self) -> Sequence[str]:
        """Pieces of text being written, the latest ones only."""
        taken = list(self._deltas)
        self._deltas.clear()
        return taken

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self._leave(self)

    def notify(self) -> None:
        """Called by the feed when there is more in the ring."""
        self._wake(self)

    def whisper(self, delta: str) -> None:
        """Called by the feed with a piece of text being written; dropped unless everything else has been taken."""
        if self.is_current:
            self._deltas.append(delta)
            self._wake(self)

    def fail(self, problem: AdwError) -> None:
        """Called by the feed when it cannot go on."""
        self._problem = problem
        self._wake(self)

    def _place_in_ring(self) -> int | None:
        if self.at < self._ring.start:
            return None
        held = self._ring.since(self._ring.first_number, limit=self._ring.next_number)
        return self._ring.next_number - sum(1 for frame in held if frame.at > self.at)

    async def _replay(self) -> Sequence[Frame[At]]:
        place, start = self.at, self._ring.start
        while True:
            try:
                page = await self._source.read(place, limit=BATCH)
                break
            except DatabaseError:
                await asyncio.sleep(RETRY_S)
        # Whatever of the ring has gone since was there to be read when its start was noted, so nothing lies between.
        self.at = page.upto if page.is_more else max(page.upto, start)
        return page.frames

    def _live(self, number: int) -> Sequence[Frame[At]]:
        if number < self._ring.first_number:
            self.close()
            raise LaggedError
        frames = self._ring.since(number, limit=BATCH)
        self._number = number + len(frames)
        fresh = [frame for frame in frames if frame.at > self.at]  # replay may have read further than the ring reached
        if fresh:
            self.at = fresh[-1].at
        return fresh
