"""The latest frames of a feed, kept once for all who follow it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

At = TypeVar("At")
"""A place in a feed: `seq` within a workflow, a position among all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Generic[At]):
    """An event, or an entry of a log, as it is sent, encoded once."""

    at: At
    type: str
    text: str


class Ring(Generic[At]):
    """Frames numbered from 0 as they come in; old ones make room for new ones."""

    def __init__(self, start: At) -> None:
        self.start = start
        """Every event after this place is held, up to `end`."""
        self.end = start
        self.chars = 0
        """Characters held."""
        self.next_number = 0
        self._frames: deque[Frame[At]] = deque()

    @property
    def first_number(self) -> int:
        """Of the oldest frame still held, or of the next one."""
        return self.next_number - len(self._frames)

    def add(self, frame: Frame[At]) -> None:
        self._frames.append(frame)
        self.next_number += 1
        self.chars += len(frame.text)
        self.end = frame.at

    def trim(self, *, max_frames: int, max_chars: int) -> None:
        """Lets go of the oldest frames until the rest is small enough."""
        while self._frames and (len(self._frames) > max_frames or self.chars > max_chars):
            gone = self._frames.popleft()
            self.chars -= len(gone.text)
            self.start = gone.at

    def since(self, number: int, *, limit: int) -> Sequence[Frame[At]]:
        """Frames from this number on, at most `limit`. The number must not be below `first_number`."""
        skipped = number - self.first_number
        waiting = len(self._frames) - skipped
        if skipped == 0 or waiting > limit:
            return list(islice(self._frames, skipped, skipped + limit))
        newest = list(islice(reversed(self._frames), waiting))  # the end is near, the beginning far
        newest.reverse()
        return newest
