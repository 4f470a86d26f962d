"""A feed followed by one response: whoever reads slowly is read on for from the database, and nothing is left out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from adw.api.access.openings import Opened
from adw.api.services import ApiServices
from adw.domain.events import EventType
from adw.domain.status import UNFINISHED
from adw.store.db import Database
from adw.store.workflows import require_workflow
from adw.stream import Frame, LaggedError, Subscription

BEAT_S = 15.0
"""Something is sent at least this often, so that either side notices when the other is gone."""
_ENDS = frozenset({EventType.WORKFLOW_COMPLETED, EventType.WORKFLOW_FAILED, EventType.WORKFLOW_CANCELLED})

Frames = AsyncGenerator[Frame[Any] | None]
"""Events, and None now and then while there are none."""
_Wake = Callable[[Subscription[Any]], None]
_Join = Callable[[Any, _Wake], Awaitable[Subscription[Any]]]


async def follow_workflow(
    services: ApiServices, adw_id: str, *, after: int, types: Sequence[EventType], opened: Opened
) -> Frames:
    """A workflow's events until it has ended, the server stops or the follower may not follow any more."""

    async def join(place: int, wake: _Wake) -> Subscription[int]:
        return await services.feed.follow(adw_id, after=place, wake=wake)

    ended_at = await ended(services.database, adw_id)
    seen = after
    async with aclosing(_follow(join, after, opened)) as frames:
        while ended_at is None or seen < ended_at:
            frame = await anext(frames, _OVER)
            if isinstance(frame, _Over):
                return
            if frame is not None:
                seen = frame.at
            if frame is None or not types or frame.type in types:
                yield frame
            if frame is None or frame.type in _ENDS:
                ended_at = await ended(services.database, adw_id)


async def follow_all(services: ApiServices, *, after: str | None, types: Sequence[EventType], opened: Opened) -> Frames:
    """Events of all workflows until the server stops or the follower may not follow any more."""

    async def join(place: Any, wake: _Wake) -> Subscription[Any]:
        return await services.feed.follow_all(after=None if place is None else str(place), wake=wake)

    async with aclosing(_follow(join, after, opened)) as frames:
        async for frame in frames:
            if frame is None or not types or frame.type in types:
                yield frame


async def ended(database: Database, adw_id: str) -> int | None:
    """The number of the last event of a workflow that has ended; None while it goes on."""
    async with database.read() as connection:
        workflow = await require_workflow(connection, adw_id)
    return None if workflow.status in UNFINISHED else workflow.last_seq


class _Over:
    """What comes after the last frame."""


_OVER = _Over()


async def _follow(join: _Join, place: Any, opened: Opened) -> Frames:
    news = asyncio.Event()
    async with opened(news.set) as opening:
        subscription = await join(place, lambda _: news.set())
        said_at = time.monotonic()
        try:
            while not opening.is_over:
                news.clear()
                try:
                    frames = await subscription.take()
                except LaggedError:
                    subscription = await join(subscription.at, lambda _: news.set())
                    continue
                for frame in frames:
                    yield frame
                if frames:
                    said_at = time.monotonic()
                elif not opening.is_over and not await _happens(news, by=said_at + BEAT_S):
                    said_at = time.monotonic()
                    yield None
        finally:
            subscription.close()


async def _happens(news: asyncio.Event, *, by: float) -> bool:
    try:
        async with asyncio.timeout(max(0.0, by - time.monotonic())):
            await news.wait()
    except TimeoutError:
        return False
    return True
