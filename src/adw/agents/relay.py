"""Lets a runtime speak from a task of its own, which is gone, with all it started, before its listener goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine

from adw.domain.agent import AgentMessage, AgentResult

Item = AgentMessage | AgentResult
Say = Callable[[Item], None]


async def relay(work: Callable[[Say], Coroutine[None, None, None]], *, name: str) -> AsyncGenerator[Item, None]:
    """Yields what `work` says; its defects are raised. Closing it, or cancelling its listener, ends the work first."""
    said: asyncio.Queue[Item | None] = asyncio.Queue()
    task = asyncio.create_task(work(said.put_nowait), name=name)
    task.add_done_callback(lambda _: said.put_nowait(None))
    try:
        while (item := await said.get()) is not None:
            yield item
        await task
    finally:
        await _end(task)


async def _end(work: asyncio.Task[None]) -> None:
    """Ends the work and waits until nothing of it is left, however often we are cancelled meanwhile."""
    work.cancel()
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
