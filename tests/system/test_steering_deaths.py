"""Steering whose worker dies at any moment: nothing is lost, nothing is doubled."""

from __future__ import annotations

import pytest
from repositories import git
from script import BUILT, PLAN, adds_farewell, answer, classifies, plans, rule, scenario, shell, straight
from sqlalchemy import text

from adw.domain.workflow import WorkflowOptions

pytestmark = [pytest.mark.crash, pytest.mark.runtime("plain"), pytest.mark.uncontained]
ASKS = WorkflowOptions(plan_approval=True)


def remote_of(scene, workflow):
    return scene.foundation.paths.forge_remote(workflow.project_id)


async def die_at(scene, deaths):
    """One worker after the other, each gone at one of these calls."""
    for death in deaths:
        doomed = scene.fork_worker(death=death)
        doomed.gone()
        assert f"dies {death[1]} {death[0]}" in doomed.said()
    scene.fork_worker()


DEATHS = [
    ("keep", "before"),
    ("keep", "after"),
    ("reset", "after"),
    ("push", "before"),
    ("push", "after"),
    ("publish", "after"),
]


async def test_a_worker_that_dies_at_each_effect_of_moving_back_loses_nothing(scene, repository):
    scene.model.follow(scenario(classifies(), plans(text=PLAN)))
    worker = scene.fork_worker()
    accepted = await scene.accept(repository, "plan")
    first = await scene.completed(accepted.adw_id)
    worker.stop()
    await scene.foundation.steering.retry_from(first.adw_id, from_phase="plan", actor="person")
    await die_at(scene, DEATHS)
    again = await scene.completed(first.adw_id)
    assert again.rewind_to is None
    assert git(remote_of(scene, again), "rev-parse", f"refs/adw/{again.adw_id}/attempt-1") == first.head_sha
    assert git(repository, "rev-parse", again.branch_name) == again.head_sha
    assert git(repository, "log", "--format=%s", f"main..{again.branch_name}") == "plan: Say farewell"


TAKING_IN = [("adopt_remote", "before"), ("adopt_remote", "after"), ("push", "before"), ("push", "after")]


async def test_a_worker_that_dies_while_taking_in_a_persons_commit_loses_and_doubles_nothing(scene, repository):
    scene.model.follow(straight())
    worker = scene.fork_worker()
    waiting = await scene.run(repository, "plan", options=ASKS)
    worker.stop()
    branch = waiting.branch_name
    git(repository, "checkout", "-q", branch)
    (repository / "note.txt").write_text("seen by ann\n")
    git(repository, "add", "note.txt")
    git(repository, "commit", "-q", "-m", "Leave a note")
    theirs = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    await scene.control.decide(waiting.adw_id, allow=True, actor="ann")
    await die_at(scene, TAKING_IN)
    done = await scene.completed(waiting.adw_id)
    assert done.head_sha == theirs == git(repository, "rev-parse", branch)
    log = git(repository, "log", "--format=%s", f"main..{branch}").splitlines()
    assert log == ["Leave a note", "plan: Say farewell"]
    assert len([event for event in await scene.events(done.adw_id) if "adopted" in event.data]) == 1
    assert scene.model.conversations("planner") == 1


async def test_a_message_left_for_an_agent_whose_worker_dies_is_heard_once(scene, repository):
    scene.model.follow(
        scenario(
            classifies(),
            plans(),
            rule("told", adds_farewell(), answer(BUILT), role="implementor", turn=2, any_text="Address friends"),
            rule("begun", shell(f"touch {scene.folder}/hangs; sleep 300"), role="implementor"),
        )
    )
    worker = scene.fork_worker()
    accepted = await scene.accept(repository)
    await scene.eventually((scene.folder / "hangs").exists, "the agent's command hangs")
    await scene.eventually(lambda: scene.has_said("sleep 300"), "the conversation is kept")
    message = await scene.foundation.steering.send(accepted.adw_id, text="Address friends", actor="ann")
    worker.kill()
    scene.fork_worker()
    done = await scene.completed(accepted.adw_id)
    assert done.pr_state == "ready"
    async with scene.foundation.database.read() as connection:
        query = text("SELECT count(*) FROM agent_session_entries WHERE strpos(body, :id) > 0 AND body LIKE :said")
        values = {"id": str(message.id), "said": '%"role": "user"%'}
        assert (await connection.execute(query, values)).scalar_one() == 1
    assert len([event for event in await scene.events(done.adw_id) if "what ann says" in event.message]) == 1


HANDED_BACK = [("commit_all", "after"), ("push", "before"), ("push", "after"), ("publish", "after")]


async def test_a_worker_that_dies_while_taking_back_a_worktree_takes_it_back_once(scene, repository):
    scene.model.follow(straight())
    worker = scene.fork_worker()
    waiting = await scene.run(repository, "plan", options=ASKS)
    worker.stop()
    steering = scene.foundation.steering
    taken = await steering.takeover(waiting.adw_id, actor="ann")
    (taken.path / waiting.plan_file).write_text(f"{PLAN}3. Tell ann.\n")
    await steering.handback(waiting.adw_id, actor="ann", message="Tell ann")
    await die_at(scene, HANDED_BACK)
    again = await scene.settled(waiting.adw_id)
    assert (again.status, again.wait_reason) == ("waiting", "approval"), again.failure
    await scene.control.decide(waiting.adw_id, allow=True, actor="ann")
    done = await scene.completed(waiting.adw_id)
    log = git(repository, "log", "--format=%s", f"main..{done.branch_name}").splitlines()
    assert log == ["Tell ann", "plan: Say farewell"]
    assert len([event for event in await scene.events(done.adw_id) if "took over what ann did" in event.message]) == 1
    assert scene.model.conversations("planner") == 1
