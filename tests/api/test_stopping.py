"""A server that is told to stop answers what it has accepted, tells sockets to come back, and is gone soon."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest
from sqlalchemy import text
from tests.api.sockets import served, socket_on
from tests.api.stage import TOKEN, WORKFLOWS, Stage

from adw.api.serve import _GRACE_S, ServerName
from adw.domain.status import Status
from adw.store.workflows import lock_workflow


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
async def test_no_accepted_request_is_lost_and_sockets_are_told_to_come_back(stage: Stage, server: ServerName):
    adw_id = (await stage.work()).adw_id
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(headers=headers, timeout=10) as http:
        async with served(stage, server) as address, socket_on(address) as client:
            await client.hear()
            async with stage.database.begin() as connection:
                await lock_workflow(connection, adw_id)  # so that the answer has to wait
                pausing = asyncio.create_task(http.post(f"http://{address}{WORKFLOWS}/{adw_id}/pause"))
                await _somebody_waits(stage)
                began = time.monotonic()
                stage.app.state.stopping.set()
                code, reason = await client.closed()
            answer = await pausing
        assert time.monotonic() - began < _GRACE_S
    assert (code, "connect again" in reason) == (1012, True)
    assert answer.status_code == 200
    assert (await stage.row(adw_id)).status is Status.PAUSED


async def _somebody_waits(stage: Stage) -> None:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with stage.database.read() as connection:
                if (await connection.execute(query)).scalar():
                    return
            await asyncio.sleep(0.02)
