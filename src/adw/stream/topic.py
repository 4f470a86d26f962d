"""A feed somebody follows now: what of it is known, and who is to be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from adw.kit.errors import AdwError
from adw.stream.ring import At, Frame, Ring
from adw.stream.source import Source
from adw.stream.subscription import Subscription


class Topic(Generic[At]):
    """A feed with its followers. Everything up to `ring.end` has been told."""

    def __init__(self, name: str, *, start: At, source: Source[At]) -> None:
        self.name = name
        self.ring: Ring[At] = Ring(start)
        self._source: Source[At] = source
        self._followers: set[Subscription[At]] = set()

    def join(self, at: At, *, wake: Callable[[Subscription[Any]], None], left: Callable[[], None]) -> Subscription[At]:
        """A new follower, from a place on. `left` is called when the last one has gone."""

        def leave(subscription: Subscription[Any]) -> None:
            self._followers.discard(subscription)
            if not self._followers:
                left()

        joined = Subscription(name=self.name, at=at, ring=self.ring, source=self._source, wake=wake, leave=leave)
        self._followers.add(joined)
        return joined

    def tell(self, frames: Sequence[Frame[At]], *, max_frames: int, max_chars: int) -> None:
        """Hands frames, the next after `ring.end`, to all followers; those who are not done with the oldest lag."""
        if not frames:
            return
        for frame in frames:
            self.ring.add(frame)
        self.ring.trim(max_frames=max_frames, max_chars=max_chars)
        for follower in self._followers:
            follower.notify()

    def whisper(self, delta: str) -> None:
        for follower in self._followers:
            follower.whisper(delta)

    def fail(self, problem: AdwError) -> None:
        for follower in self._followers:
            follower.fail(problem)
