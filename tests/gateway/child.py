"""A worker process with nothing but a gateway in it, for tests to kill: prints its address and token, then serves."""

from __future__ import annotations

import asyncio
import json
import sys

from sqlalchemy.ext.asyncio import create_async_engine

from adw.domain.prices import price_table
from adw.gateway import Gateway, RunGrant, Upstream
from adw.store.usage import UsageBook


async def main(database_url: str, upstream_url: str, adw_id: str) -> None:
    book = UsageBook(create_async_engine(database_url))
    async with Gateway(book=book, upstream=Upstream(base_url=upstream_url), prices=price_table({})) as gateway:
        token = gateway.admit(RunGrant(agent_run_id="child", adw_id=adw_id, phase="build", attempt=1, role="planner"))
        print(json.dumps({"url": gateway.url, "token": token}), flush=True)
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
