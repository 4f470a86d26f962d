"""Everything a worker does so that work starts by itself: clocks, polls, and the desk that works on what came in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from adw.intake.triggers import TriggerDesk, TriggerParts
from adw.kit.errors import DatabaseError
from adw.store.deliveries import TRIGGER_CHANNEL, purge
from adw.store.listen import listen
from adw.worker.poller import ChangeSource, Poller
from adw.worker.scheduler import Scheduler

DESK_POLL_S = 2.0
RARE_POLL_S = 30.0
"""For those beside the first, who help when much comes in at once."""
CLOCK_POLL_S = 5.0
FORGE_POLL_S = 2.0
FILES_POLL_S = 60.0
PURGE_S = 600.0
AT_ONCE = 4
"""Rows one worker works on at the same time: most of it is waiting for a forge."""

_log = structlog.get_logger(component="triggers")


async def keep_triggering(parts: TriggerParts, source: ChangeSource, *, owner: str) -> None:
    """Until cancelled. A database that is away for a while only delays it."""
    desk, scheduler = TriggerDesk(parts), Scheduler(parts)
    poller = Poller(parts, source, owner=owner)
    wakes = [asyncio.Event() for _ in range(AT_ONCE)]

    def wake() -> None:
        for each in wakes:
            each.set()

    async def clean_up() -> bool:
        async with parts.database.begin() as connection:
            await purge(connection)
        return False

    async def follow() -> bool:
        await scheduler.follow_files()
        return False

    async with asyncio.TaskGroup() as group:
        for index, each in enumerate(wakes):
            every_s = RARE_POLL_S if index else DESK_POLL_S
            group.create_task(_keep(desk.work_one, every_s=every_s, woken=each))
        group.create_task(_keep(poller.look_one, every_s=FORGE_POLL_S))
        group.create_task(_keep(scheduler.note_one, every_s=CLOCK_POLL_S))
        group.create_task(_keep(follow, every_s=FILES_POLL_S))
        group.create_task(_keep(clean_up, every_s=PURGE_S))
        group.create_task(listen(parts.database, TRIGGER_CHANNEL, wake))


async def _keep(act: Callable[[], Awaitable[bool]], *, every_s: float, woken: asyncio.Event | None = None) -> None:
    """Does it again at once while there is more to do, else after a while, or when woken."""
    event = woken or asyncio.Event()
    while True:
        event.clear()
        try:
            is_more = await act()
        except DatabaseError as error:
            _log.warning("triggers_delayed", reason=error.message)
            is_more = False
        if not is_more:
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s):
                    await event.wait()
