from __future__ import annotations

import pytest
from tests.conftest import PROJECT, MakeWorkflow

from adw.control.rounds import ask_round
from adw.domain.workflow import Workflow
from adw.kit.errors import UsageError
from adw.store.db import Database
from adw.store.watches import claim_due, requests_of
from adw.store.workflows import update_workflow


@pytest.fixture
async def offered(database: Database, make_workflow: MakeWorkflow) -> Workflow:
    made = await make_workflow()
    async with database.begin() as connection:
        return await update_workflow(connection, made.adw_id, changes={"pr_number": 2, "pr_state": "ready"})


async def asked(database: Database, text: str = "Use the old name", *, number: int = 2, key: str = "c1") -> str | None:
    return await ask_round(database, project_id=PROJECT, pr_number=number, actor="ada", text=text, key=key)


async def test_a_request_is_kept_once_for_its_key_and_makes_the_watch_due(database: Database, offered: Workflow):
    assert [await asked(database), await asked(database, "Again"), await asked(database, key="c2")] == [
        offered.adw_id
    ] * 3
    async with database.begin() as connection:
        kept = await requests_of(connection, offered.adw_id)
        assert await claim_due(connection, claim="x") is not None
    assert [(each.key, each.actor, each.body) for each in kept] == [
        ("c1", "ada", "Use the old name"),
        ("c2", "ada", "Use the old name"),
    ]


async def test_nobody_of_ours_is_asked_on_another_pull_request(database: Database, offered: Workflow):
    assert await asked(database, number=3) is None
    async with database.begin() as connection:
        assert await requests_of(connection, offered.adw_id) == []


async def test_a_request_that_says_nothing_is_refused(database: Database, offered: Workflow):
    with pytest.raises(UsageError):
        await asked(database, "  \n")
