from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.control.past import BUILT, WAYS, Access, Workspaces, move, past

from adw.control.service import Control
from adw.control.steering import Steering
from adw.domain.status import Status
from adw.store import usage
from adw.store.db import Database
from adw.store.workflows import require_workflow, update_workflow


class RecordingEnqueuer:
    """Writes orders into a table through the caller's connection, so that they share its transaction's fate."""

    def __init__(self) -> None:
        self.refuses: Exception | None = None

    async def enqueue(
        self, connection: AsyncConnection, *, run_id: str, payload: Mapping[str, Any], priority: int = 0
    ) -> None:
        assert priority == 0
        await self._write(connection, "enqueue", run_id, payload)

    async def revoke(self, connection: AsyncConnection, *, run_id: str) -> None:
        await self._write(connection, "revoke", run_id, {})

    async def _write(self, connection: AsyncConnection, verb: str, run_id: str, payload: Mapping[str, Any]) -> None:
        values = {"verb": verb, "run_id": run_id, "payload": json.dumps(payload)}
        await connection.execute(
            text("INSERT INTO orders (verb, run_id, payload) VALUES (:verb, :run_id, :payload)"), values
        )
        if self.refuses is not None:
            raise self.refuses

    @staticmethod
    async def orders(database: Database) -> list[tuple[str, str]]:
        async with database.read() as connection:
            rows = await connection.execute(text("SELECT verb, run_id FROM orders ORDER BY number"))
            return [(row.verb, row.run_id) for row in rows]

    @staticmethod
    async def payloads(database: Database) -> list[dict[str, Any]]:
        async with database.read() as connection:
            rows = await connection.execute(text("SELECT payload FROM orders WHERE verb = 'enqueue' ORDER BY number"))
            return [json.loads(row.payload) for row in rows]


@pytest.fixture
async def enqueuer(database: Database) -> RecordingEnqueuer:
    async with database.begin() as connection:
        await connection.execute(
            text("CREATE TABLE orders (number serial, verb text, run_id text, payload text)"),
        )
    return RecordingEnqueuer()


@pytest.fixture
def control(database: Database, enqueuer: RecordingEnqueuer) -> Control:
    return Control(database=database, enqueuer=enqueuer)


@pytest.fixture
def access():
    return Access()


@pytest.fixture
def steering(database, enqueuer, access, tmp_path):
    return Steering(
        database=database, enqueuer=enqueuer, access=access, workspaces=Workspaces(tmp_path), work_dir=tmp_path / "work"
    )


@pytest.fixture
def worked(database, make_workflow):
    """A workflow in a status, with plan and build done and pushed, and its test attempt as the status wants it."""

    async def go(status=Status.COMPLETED, *, done=("plan", "build"), **changes):
        budget = changes.pop("budget_usd", None)
        workflow = await make_workflow(budget_usd=budget)
        async with database.begin() as connection:
            await usage.set_budget(connection, workflow.adw_id, budget_usd=budget)
            await past(connection, workflow.adw_id, done)
            values = {
                "branch_name": f"bug-issue-1-adw-{workflow.adw_id}-totals",
                "issue_class": "bug",
                "plan_file": "specs/plan.md",
                "head_sha": BUILT,
            }
            await update_workflow(connection, workflow.adw_id, changes=values | changes)
            for step in WAYS[status]:
                await move(connection, workflow.adw_id, step)
            return await require_workflow(connection, workflow.adw_id)

    return go
