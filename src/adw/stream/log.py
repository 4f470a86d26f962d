"""Feeds of what is no event: anything that grows by numbered entries and is announced, such as a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from adw.store.chat import CHAT_CHANNEL
from adw.store.deltas import AGENT_PREFIX, CHAT_PREFIX
from adw.store.free_agent_log import LOG_CHANNEL
from adw.stream.source import Page, Reads
from adw.stream.topic import Topic

PREFIXES: Mapping[str, str] = {CHAT_CHANNEL: CHAT_PREFIX, LOG_CHANNEL: AGENT_PREFIX}
"""What a feed's name begins with for each channel; the rest is what is announced there."""

Standing = Mapping[str, Any]
"""What is to be known besides the entries, such as who is answering."""


class Log(Protocol):
    """Entries whose numbers become visible in their order. All of it may raise DatabaseError."""

    @property
    def name(self) -> str:
        """Of the feed: one of `PREFIXES` and what is announced."""
        ...

    async def last(self) -> int:
        """The number of the last entry, 0 without any. Raises NotFoundError."""
        ...

    async def read(self, after: int, *, limit: int) -> Page[int]: ...

    async def standing(self) -> Standing: ...

    def changes(self, before: Standing, now: Standing) -> Sequence[str]:
        """Frames that tell of another standing; they are not kept."""
        ...

    def delta(self, piece: str) -> str:
        """The frame of a piece of text that is being written."""
        ...


class LogTopic(Topic[int]):
    """A log that somebody follows now."""

    def __init__(self, log: Log, *, start: int, standing: Standing, reads: Reads) -> None:
        super().__init__(log.name, start=start, source=_Limited(log, reads))
        self.log = log
        self.standing = standing
        """As followers know it."""

    async def look(self) -> None:
        """Tells followers if it stands otherwise than when last looked at."""
        before = self.standing
        self.standing = await self.log.standing()
        if self.standing != before:
            for frame in self.log.changes(before, self.standing):
                self.whisper(frame)


class _Limited:
    """A log as followers read it: a few at once."""

    def __init__(self, log: Log, reads: Reads) -> None:
        self._log = log
        self._reads = reads

    async def read(self, after: int, *, limit: int) -> Page[int]:
        return await self._reads.run(self._log.read(after, limit=limit))
