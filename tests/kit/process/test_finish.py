from __future__ import annotations

import asyncio

import pytest

from adw.kit.process.finish import uninterrupted


async def test_work_is_finished_and_the_cancellation_reported():
    gate = asyncio.Event()

    async def work():
        await gate.wait()
        return "done"

    task = asyncio.ensure_future(uninterrupted(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    gate.set()
    assert await task == ("done", True)
    assert await uninterrupted(work()) == ("done", False)


async def test_an_error_is_raised_unless_a_cancellation_came_first():
    gate = asyncio.Event()

    async def work():
        await gate.wait()
        raise ValueError

    task = asyncio.ensure_future(uninterrupted(work()))
    await asyncio.sleep(0)
    task.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ValueError):
        await uninterrupted(work())
