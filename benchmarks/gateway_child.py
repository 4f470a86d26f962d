"""A process with nothing but a gateway in it: prints its address and a run's token, then serves until ended."""

from __future__ import annotations

import asyncio
import json
import sys

from adw.domain.prices import price_table
from adw.gateway import Gateway, RunGrant, Upstream
from adw.store.db import Database
from adw.store.usage import UsageBook


async def main(database_url: str, upstream_url: str, adw_id: str) -> None:
    book = UsageBook(Database(database_url).engine)
    async with Gateway(book=book, upstream=Upstream(base_url=upstream_url), prices=price_table({})) as gateway:
        token = gateway.admit(RunGrant(agent_run_id="bench", adw_id=adw_id, phase="build", attempt=1, role="planner"))
        print(json.dumps({"url": gateway.url, "token": token}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
