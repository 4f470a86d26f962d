from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from adw.store.usage import book_orphans, remaining, usage_of_workflow

CHILD = Path(__file__).with_name("child.py")


@asynccontextmanager
async def worker(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(await asyncio.wait_for(process.stdout.readline(), timeout=30))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_reservation_of_a_killed_worker_stays_booked_in_full(rig, model_api, sse, postgres_url):
    await rig.budget("0.2")
    model_api.streams([sse.start()], stall=True)

    async with worker(postgres_url, model_api.url, rig.adw_id) as (process, place):
        request = rig.client.build_request(
            "POST", place["url"] + "/v1/messages", headers={"x-api-key": place["token"]}, json=rig.question()
        )
        answer = await rig.client.send(request, stream=True)
        pieces = answer.aiter_raw()
        await anext(pieces)
        process.kill()
        with pytest.raises(httpx.HTTPError):
            await anext(pieces)

    [row] = await rig.rows()
    assert row.state == "reserved"
    assert row.reserved_usd > Decimal("0.03")
    assert (await rig.account()).held_usd == row.reserved_usd
    async with rig.engine.begin() as connection:
        left = await remaining(connection, rig.adw_id)
        assert left == Decimal("0.2") - row.reserved_usd
        assert (await usage_of_workflow(connection, rig.adw_id)).cost_usd == row.reserved_usd
        assert await book_orphans(connection, adw_id=rig.adw_id) == 1
        assert await book_orphans(connection, adw_id=rig.adw_id) == 0
        assert await remaining(connection, rig.adw_id) == left

    [row] = await rig.rows()
    assert (row.state, row.inexact, row.cost_usd) == ("settled", True, row.reserved_usd)


async def test_the_gateway_of_another_worker_books_on_the_same_account(rig, postgres_url, model_api):
    await rig.budget("0.05")
    await rig.ask(max_tokens=1500)

    async with worker(postgres_url, model_api.url, rig.adw_id) as (_process, place):
        answer = await rig.client.post(
            place["url"] + "/v1/messages", headers={"x-api-key": place["token"]}, json=rig.question(max_tokens=64_000)
        )

    assert answer.status_code == 200
    assert model_api.seen[1].document["max_tokens"] < (0.05 - 0.006) / 15 * 1_000_000
    assert rig.token not in repr(model_api.seen)
    async with rig.engine.connect() as connection:
        assert (await usage_of_workflow(connection, rig.adw_id)).requests == 2
