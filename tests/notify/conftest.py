from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.notify.receivers import HttpReceiver, SmtpReceiver, listening
from tests.notify.stage import Bench

from adw.store.db import Database


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database=database)


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with listening(HttpReceiver()) as receiver:
        yield receiver


@pytest.fixture
async def mailbox() -> AsyncIterator[SmtpReceiver]:
    async with listening(SmtpReceiver()) as mailbox:
        yield mailbox
