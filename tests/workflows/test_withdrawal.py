from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adw.domain.events import EventType, NewEvent
from adw.domain.status import PrState
from adw.store.workflows import update_workflow
from adw.workflows.pull_request import tell_withdrawn, withdraw


class Forge:
    """The part of `adw.ports.forge.Forge` by which drafts are made."""

    def __init__(self, state: str = "ready", *, can: bool = True) -> None:
        self.state = state
        self.capabilities = SimpleNamespace(can_mark_draft=can)
        self.asked = 0

    async def get_pull_request(self, number: int) -> Any:
        return SimpleNamespace(number=number, state=self.state, is_open=self.state in {"draft", "ready"})

    async def mark_draft(self, number: int) -> Any:
        self.asked += 1
        self.state = "draft"
        return await self.get_pull_request(number)


@pytest.fixture
def offered(play, monkeypatch):
    """The context of a workflow with a pull request on such a forge."""

    async def alive(*_, **__):
        return True

    monkeypatch.setattr("adw.workflows.context.holds_lease", alive)

    async def make(forge, *, state=PrState.READY):
        changes = {"pr_number": 4, "pr_state": state.value}
        event = NewEvent(type=EventType.PULL_REQUEST_OPENED)
        async with play.database.begin() as connection:
            await update_workflow(connection, play.workflow.adw_id, changes=changes, event=event)
        access = SimpleNamespace(forge=lambda _project: forge)
        play.run = replace(play.run, services=replace(play.run.services, access=cast("Any", access)))
        return play.ctx()

    return make


async def test_a_ready_one_becomes_a_draft_and_that_is_told_once(play, offered):
    forge = Forge()
    ctx = await offered(forge)
    for _ in range(2):
        assert await withdraw(ctx) == 4
    for _ in range(2):
        await tell_withdrawn(ctx, 4, name="again")
    assert (await play.now()).pr_state is PrState.DRAFT
    [event] = await play.events(EventType.PULL_REQUEST_UPDATED)
    assert event.data == {"number": 4, "state": "draft"}
    assert await withdraw(ctx) is None


@pytest.mark.parametrize(
    "forge", [Forge(can=False), Forge("merged"), Forge("closed")], ids=["no way", "merged", "closed"]
)
async def test_what_cannot_become_a_draft_is_left_as_it_is(play, offered, forge):
    ctx = await offered(forge)
    number = await withdraw(ctx)
    await tell_withdrawn(ctx, number, name="again")
    assert (number, forge.asked) == (None, 0)
    assert (await play.now()).pr_state is PrState.READY


async def test_a_draft_is_not_asked_about(offered):
    forge = Forge("draft")
    assert await withdraw(await offered(forge, state=PrState.DRAFT)) is None
    assert forge.asked == 0
