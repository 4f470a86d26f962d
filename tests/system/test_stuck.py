"""Agents that get nowhere: what is said to them, who follows them, and how it is told."""

from __future__ import annotations

import pytest
from repositories import SETTINGS, make_repository
from script import BUILT, adds_farewell, always, answer, classifies, plans, rule, scenario, shell

pytestmark = pytest.mark.runtime("plain")

IMPATIENT = SETTINGS + "\n[stuck]\nsame_calls = 3\n"
LOOPS = shell("echo the same; exit 1")
NUDGED = "getting nowhere"


@pytest.fixture
def impatient(folder):
    return make_repository(folder / "sample", {"adw.toml": IMPATIENT})


async def actions(system, adw_id):
    return [event.data["action"] for event in await system.events(adw_id, "agent_stuck")]


async def test_an_agent_that_takes_another_way_once_it_is_nudged_completes_its_task(system, impatient):
    heeds = rule("heeds", adds_farewell(), answer(BUILT), role="implementor", turn=2, prompt=NUDGED)
    system.model.follow(scenario(classifies(), plans(), heeds, always("loops", LOOPS, role="implementor")))
    workflow = await system.run(impatient, "plan-build")
    assert workflow.pr_state == "draft"
    assert await actions(system, workflow.adw_id) == ["nudge"]
    assert system.model.conversations("implementor") == 1
    assert len(await system.agents(workflow.adw_id)) == 3


async def test_one_that_never_leaves_its_loop_is_nudged_replaced_and_stopped(system, impatient):
    system.model.follow(scenario(classifies(), plans(), always("loops", LOOPS, role="implementor")))
    accepted = await system.accept(impatient, "plan-build")
    workflow = await system.settled(accepted.adw_id)
    assert workflow.status == "failed"
    assert workflow.failure.failure_class == "agent_error"
    assert "the implementor is stuck: it has made the same call 3 times in a row" in workflow.failure.message
    assert await actions(system, workflow.adw_id) == ["nudge", "restart", "stop"]
    assert system.model.conversations("implementor") == 2
    assert [row.attempt for row in await system.phases(workflow.adw_id) if row.phase == "build"] == [1]
    requests = len(system.model.asked("implementor"))
    assert requests in range(9, 13), "three calls each time, and one more may be under way already"
