"""Writes summaries of ended phases, one at a time in each worker, whenever some are wanted."""

from __future__ import annotations

import asyncio

import structlog

from adw.chat.summaries import Summaries
from adw.kit.errors import DatabaseError

LOOK_S = 5.0

_log = structlog.get_logger(component="summarist")


async def keep_summarizing(summaries: Summaries, *, look_s: float = LOOK_S) -> None:
    """Until cancelled. What is cut off by that is tried again, by this worker or another one."""
    while True:
        try:
            while await summaries.write_one():
                pass
        except DatabaseError as error:
            _log.warning("summaries_delayed", reason=error.message)
        await asyncio.sleep(look_s)
