"""A process that appends events at a steady rate to several workflows and tells when each was committed."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from adw.domain.events import EventType, NewEvent
from adw.store.db import Database
from adw.store.events import append_event

MESSAGE = "The balance counts refunds now, and the statement says so in its last line."


async def main(database_url: str, out: str, rate: float, seconds: float, adw_ids: list[str]) -> None:
    database = Database(database_url, pool_size=len(adw_ids))
    done: dict[str, dict[int, float]] = {adw_id: {} for adw_id in adw_ids}
    start = time.monotonic() + 0.5
    pace = len(adw_ids) / rate
    await asyncio.gather(
        *(
            _write(database, adw_id, done[adw_id], start=start + place / rate, pace=pace, until=start + seconds)
            for place, adw_id in enumerate(adw_ids)
        )
    )
    await database.close()
    Path(out).write_text(json.dumps(done))


async def _write(
    database: Database, adw_id: str, done: dict[int, float], *, start: float, pace: float, until: float
) -> None:
    event = NewEvent(type=EventType.AGENT_TEXT, phase="build", message=MESSAGE, data={"role": "implementor"})
    due = start
    while due < until:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        async with database.begin() as connection:
            seq = await append_event(connection, adw_id, event)
        done[seq] = time.monotonic()
        due += pace


if __name__ == "__main__":
    url, file, events_per_s, length_s, *ids = sys.argv[1:]
    asyncio.run(main(url, file, float(events_per_s), float(length_s), ids))
