"""The gate before each start of the agents' CLI: a cold start costs a good second of a processor.

All workers of a host pass through one gate, so that a crowd that wants to start at once neither stalls those already at
work nor itself.
"""

from __future__ import annotations

import asyncio
import os

from adw.store.db import Database
from adw.store.starts import reserve_start

START_CPU_S = 1.6
"""What a cold start keeps one core busy for; four cores start 2.5 agents a second."""


class StartGate:
    """As many starts at once as half the cores, and as many a second as all of them can carry."""

    def __init__(self, database: Database, *, host_id: str, cores: int | None = None) -> None:
        self._database = database
        self._host_id = host_id
        cores = cores or os.cpu_count() or 2
        self._interval_s = START_CPU_S / cores
        self._burst = max(1, cores // 2)

    async def passed(self) -> None:
        """Returns when an agent may start. Raises DatabaseError when nobody can tell."""
        async with self._database.begin() as connection:
            wait_s = await reserve_start(
                connection, host_id=self._host_id, interval_s=self._interval_s, burst=self._burst
            )
        await asyncio.sleep(wait_s)
