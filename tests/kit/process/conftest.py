from __future__ import annotations

import asyncio
import time

import pytest

DEADLINE_S = 20.0


@pytest.fixture
def until():
    """Waits for a condition, not for a time: `await until(lambda: ...)`."""

    async def wait(condition):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            if condition():
                return
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.005)

    return wait
