"""Agents without processes: the same work, the same books, and a conversation that outlives its worker."""

from __future__ import annotations

import pytest
from repositories import make_repository
from script import BUILT, adds_farewell, answer, blocks, classifies, plans, rule, scenario, shell, straight

from adw.kit.errors import ConfigurationError

pytestmark = pytest.mark.runtime("plain")

QUICK_MS = 2000


async def test_plan_build_and_test_go_through_with_agents_that_take_hardly_any_time(system, repository):
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    finished = await system.events(workflow.adw_id, "agent_finished")
    assert len(finished) == 3
    assert sum(event.data["durationMs"] for event in finished) < QUICK_MS
    assert workflow.pr_state == "ready"
    outputs = await system.agents(workflow.adw_id)
    assert all(each.session_id.startswith("plain-") for each in outputs)
    assert (await system.usage(workflow.adw_id)).tokens.output > 0


@pytest.mark.uncontained
async def test_a_conversation_goes_on_in_another_worker(scene, repository):
    waits = shell(f"touch {scene.folder}/waits; sleep 300")
    scene.model.follow(
        scenario(
            classifies(),
            plans(),
            rule("resumed", answer(BUILT), role="implementor", turn=2, any_text="was interrupted"),
            rule("begun", blocks({"text": "I begin"}, *adds_farewell()["blocks"]), waits, role="implementor"),
        )
    )
    worker = scene.fork_worker()
    accepted = await scene.accept(repository, "plan-build")
    await scene.eventually((scene.folder / "waits").exists, "the agent is at work")
    worker.kill()
    await scene.nothing_survives()
    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)
    assert workflow.pr_state == "draft"
    assert scene.model.conversations("implementor") == 1


async def test_a_repository_may_choose_its_runtime(system, folder):
    system.model.follow(straight())
    chosen = '[agents]\nruntime = "claude"\n\n[commands]\nsetup = false\n'
    repository = make_repository(folder / "sample", {"adw.toml": chosen})
    workflow = await system.run(repository, "plan")
    outputs = await system.agents(workflow.adw_id)
    assert outputs
    assert not any(each.session_id.startswith("plain-") for each in outputs)


async def test_an_unknown_runtime_is_refused_with_the_known_ones(system, folder):
    repository = make_repository(folder / "sample", {"adw.toml": '[agents]\nruntime = "parrot"\n'})
    with pytest.raises(ConfigurationError, match="'claude' or 'plain'"):
        await system.accept(repository)
