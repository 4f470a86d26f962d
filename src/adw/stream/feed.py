"""Events as they are written, by whatever process, for all followers in this one.

Each new event is read once and encoded once, however many follow it. Being told by the database only wakes; what is
read is the truth, and it is looked at now and then besides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
import structlog

from adw.kit.errors import AdwError, DatabaseError, NotFoundError, UsageError
from adw.store.db import Database
from adw.store.deltas import DELTA_CHANNEL, Delta, read_delta
from adw.store.events import last_seq
from adw.store.feed import Position, parse_position, read_all, read_horizon, read_several
from adw.store.listen import hear
from adw.store.notify import CHANNEL
from adw.stream.log import PREFIXES, Log, LogTopic
from adw.stream.source import AllWorkflows, Encode, OneWorkflow, Reads, frames_of, placed_frames
from adw.stream.subscription import RETRY_S, Subscription
from adw.stream.topic import Topic

ALL = "*"
"""The name of the feed of all workflows; the others are named by their workflow."""
POLL_S = 2.0
"""How often all feeds are looked at although nothing was announced."""
SOON_S = 0.02
"""How soon the feed of all workflows is looked at again while a transaction that began earlier still runs; then ever
more slowly."""
MAX_CHARS = 64 << 20
"""Held for all feeds together, shared evenly among them."""
_MAX_FRAMES = 1024
_MAX_CHARS_EACH = 4 << 20
_PAGE = 500
_REPLAYS = 4
"""Followers that read from the database at once: after a restart all come back together, and others need it too."""

T = TypeVar("T")

Wake = Callable[[Subscription[Any]], None]

_log = structlog.get_logger(component="stream")


class Feed:
    """What this process hands on. It listens only while somebody follows something."""

    def __init__(
        self, database: Database, *, encode: Encode, max_frames: int = _MAX_FRAMES, poll_s: float = POLL_S
    ) -> None:
        self._database = database
        self._encode = encode
        self._max_frames = max_frames
        self._poll_s = poll_s
        self._topics: dict[str, Topic[int]] = {}
        self._logs: dict[str, LogTopic] = {}
        self._all: Topic[Position] | None = None
        self._floors: dict[str, int] = {}
        self._wait_s = SOON_S
        self._dirty: set[str] = set()
        self._news = asyncio.Event()
        self._reads = Reads(at_once=_REPLAYS)
        self._joining = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: list[asyncio.Task[None]] = []

    @property
    def is_listening(self) -> bool:
        return bool(self._tasks)

    async def follow(self, adw_id: str, *, after: int | None, wake: Wake) -> Subscription[int]:
        """A workflow's events with a larger `seq` than `after`; without it those from now on.

        `wake` is called with the subscription whenever there may be something to take, and once at the beginning.
        Raises NotFoundError for an unknown workflow, UsageError for an `after` that has not been written yet.
        """
        async with self._joining:
            topic = self._topics.get(adw_id)
            written = None if topic is None else topic.ring.end
            if topic is None or written is None or (after or 0) > written:
                written = await _patiently(lambda: self._last_seq(adw_id))
                topic = self._topics.get(adw_id)  # meanwhile the last one to follow it may have gone
            if after is not None and after > written:
                raise UsageError(f"`after` is beyond the last event, {written}", hint="subscribe without `after`")
            if topic is None:
                topic = Topic(adw_id, start=written, source=self._one(adw_id))
                self._topics[adw_id] = topic
                self._look_at(adw_id)
            joined = topic.join(written if after is None else after, wake=wake, left=lambda: self._drop(adw_id))
        self._listen()
        wake(joined)
        return joined

    async def follow_all(self, *, after: str | None, wake: Wake) -> Subscription[Position]:
        """Events of all workflows after a cursor, without one those from now on. Raises UsageError for strange ones."""
        place = None if after is None else await self.place_of(after)
        async with self._joining:
            topic = self._all
            if topic is None:
                horizon = await self._horizon()
                self._floors = {}
                topic = Topic(ALL, start=horizon, source=self._everybody())
                self._all = topic
            joined = topic.join(place or topic.ring.end, wake=wake, left=lambda: self._drop(ALL))
        self._listen()
        wake(joined)
        return joined

    async def follow_log(
        self, log: Log, *, after: int | None, wake: Wake
    ) -> tuple[Subscription[int], Mapping[str, Any]]:
        """A log's entries after a place, or after its end if that comes before; without a place those from now on.

        Also how it stands; that it stands otherwise is told. Entries may have been deleted, so a place beyond the end
        can be one that was given out. Raises NotFoundError.
        """
        async with self._joining:
            topic = self._logs.get(log.name)
            written = None if topic is None else topic.ring.end
            if topic is None or written is None or (after or 0) > written:
                standing, written = await _patiently(log.standing), await _patiently(log.last)
                topic = self._logs.get(log.name) or LogTopic(log, start=written, standing=standing, reads=self._reads)
            if log.name not in self._logs:
                self._logs[log.name] = topic
                self._look_at(log.name)
            place = written if after is None else min(after, written)
            joined = topic.join(place, wake=wake, left=lambda: self._drop(log.name))
        self._listen()
        wake(joined)
        return joined, topic.standing

    async def place_of(self, cursor: str) -> Position:
        """Raises UsageError unless it was given out by a server on this database."""
        place = parse_position(cursor)
        if place.xid > (await self._horizon()).xid:
            raise UsageError("`after` is a cursor of another database", hint="leave it out")
        return place

    async def close(self) -> None:
        """Returns once the connection is closed on which it listened. Whoever still follows is told nothing more."""
        self._stop()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._reads.finished()

    def _one(self, adw_id: str) -> OneWorkflow:
        return OneWorkflow(self._database, adw_id, self._encode, reads=self._reads)

    def _everybody(self) -> AllWorkflows:
        return AllWorkflows(self._database, self._encode, reads=self._reads)

    def _drop(self, name: str) -> None:
        if name == ALL:
            self._all = None
        else:
            self._topics.pop(name, None)
            self._logs.pop(name, None)
        if not self._topics and not self._logs and self._all is None:
            self._stop()

    def _stop(self) -> None:
        """Reading is let finish: a connection that is being opened for it would be lost."""
        self._ending = [*(task for task in self._ending if not task.done()), *self._tasks]
        for task in self._tasks[:1]:
            task.cancel()
        self._tasks = []
        self._news.set()

    def _is_mine(self) -> bool:
        """Whether the task that asks has not been replaced by another one."""
        return asyncio.current_task() in self._tasks

    def _listen(self) -> None:
        if self._tasks:
            return
        heard = hear(self._database, [CHANNEL, DELTA_CHANNEL, *PREFIXES], self._hear, anew=self._look_at_all)
        self._tasks = [
            asyncio.create_task(heard, name="stream-listening"),
            asyncio.create_task(self._read(), name="stream-reading"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Without either task nobody would be told anything: followers are told at least that."""
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        _log.error("stream_broken", exc_info=error)
        problem = AdwError("the live stream broke down", hint="connect again; the server's log says more")
        for topic in (*self._topics.values(), *self._logs.values(), *([self._all] if self._all else [])):
            topic.fail(problem)

    def _hear(self, channel: str, payload: str) -> None:
        if channel == CHANNEL:
            if payload in self._topics:
                self._look_at(payload)
            if self._all is not None:
                self._look_at(ALL)
        elif channel == DELTA_CHANNEL:
            self._pass_on(read_delta(payload))
        elif (name := PREFIXES[channel] + payload) in self._logs:
            self._look_at(name)

    def _pass_on(self, delta: Delta | None) -> None:
        if delta is None:
            return
        name = delta.writer.adw_id
        if name in self._logs:
            self._logs[name].whisper(self._logs[name].log.delta(delta.text))
        elif name in self._topics:
            data = {"phase": delta.writer.phase, "role": delta.writer.role, "text": delta.text}
            frame = {"type": "agent_delta", "timestamp": datetime.now(UTC), "adwId": name, "data": data}
            self._topics[name].whisper(orjson.dumps(frame, option=orjson.OPT_UTC_Z).decode())

    def _look_at(self, name: str) -> None:
        self._dirty.add(name)
        self._news.set()

    def _look_at_all(self) -> None:
        self._dirty.update(self._topics, self._logs)
        if self._all is not None:
            self._dirty.add(ALL)
        self._news.set()

    async def _read(self) -> None:
        while self._is_mine():
            try:
                async with asyncio.timeout(self._poll_s):
                    await self._news.wait()
            except TimeoutError:
                self._look_at_all()
            if not self._is_mine():
                return
            self._news.clear()
            dirty, self._dirty = self._dirty, set()
            try:
                await self._advance(dirty - {ALL})
                await self._advance_logs(dirty)
                if ALL in dirty and self._is_mine():
                    await self._advance_all()
            except DatabaseError as error:
                _log.warning("stream_delayed", reason=error.message)
                self._dirty |= dirty
                self._news.set()
                await asyncio.sleep(RETRY_S)

    async def _advance(self, names: set[str]) -> None:
        topics = [self._topics[name] for name in names if name in self._topics]
        if not topics:
            return
        async with self._database.read() as connection:
            found = await read_several(connection, {each.name: each.ring.end for each in topics}, limit=_PAGE)
        for topic in topics:
            events = found.get(topic.name, [])
            if len(events) == _PAGE:
                self._look_at(topic.name)
            self._tell(topic, frames_of(events, self._encode))

    async def _advance_logs(self, names: set[str]) -> None:
        for topic in [self._logs[name] for name in names if name in self._logs]:
            page = await topic.log.read(topic.ring.end, limit=_PAGE)
            self._tell(topic, page.frames)
            if page.is_more:
                self._look_at(topic.name)
            await topic.look()

    async def _advance_all(self) -> None:
        topic = self._all
        if topic is None:
            return
        async with self._database.read() as connection:
            page = await read_all(connection, topic.ring.end, limit=_PAGE, floors=self._floors)
        self._tell(topic, placed_frames(page.events, self._encode))
        topic.ring.end = page.upto  # what of it was told before is not looked at again
        self._wait_s = SOON_S if page.events or not page.is_pending else min(2 * self._wait_s, self._poll_s)
        if page.is_more or page.is_pending:
            self._again_in(0.0 if page.is_more else self._wait_s)

    def _again_in(self, delay_s: float) -> None:
        asyncio.get_running_loop().call_later(delay_s, self._look_at, ALL)

    def _tell(self, topic: Topic[Any], frames: Sequence[Any]) -> None:
        share = MAX_CHARS // max(1, len(self._topics) + len(self._logs))
        topic.tell(frames, max_frames=self._max_frames, max_chars=min(_MAX_CHARS_EACH, share))

    async def _horizon(self) -> Position:
        async def look() -> Position:
            async with self._database.read() as connection:
                return await read_horizon(connection)

        return await _patiently(look)

    async def _last_seq(self, adw_id: str) -> int:
        async with self._database.read() as connection:
            written = await last_seq(connection, adw_id)
        if not written:
            raise NotFoundError(f"there is no workflow {adw_id}", hint="see `adw workflow list`")
        return written


async def _patiently(look: Callable[[], Awaitable[T]]) -> T:
    """A database that is away is waited for."""
    while True:
        try:
            return await look()
        except DatabaseError:
            await asyncio.sleep(RETRY_S)
