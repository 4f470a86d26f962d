"""A ready pull request is a draft while its work is redone: it never offers what nothing has verified."""

from __future__ import annotations

import pytest
from repositories import git
from script import BUILT, adds_farewell, answer, classifies, plans, rule, scenario, shell, straight, write

from adw.control.follow_up import FollowUp, follow_up

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


async def seen_on_the_forge(scene, workflow):
    return (await (await scene.forge(workflow)).get_pull_request(workflow.pr_number)).state


async def told_states(scene, adw_id):
    """What was said of the pull request, repetitions left out."""
    events = await scene.events(adw_id, "pull_request_opened", "pull_request_updated")
    states = [event.data["state"] for event in events]
    return [state for state, before in zip(states, [None, *states], strict=False) if state != before]


async def ready(scene, repository):
    scene.model.follow(straight())
    done = await scene.run(repository)
    assert (done.status, done.pr_state) == ("completed", "ready"), done.failure
    return done


def paused_build(folder, *steps):
    wait = f"touch {folder}/hangs; while [ ! -e {folder}/go ]; do sleep 0.05; done"
    return scenario(classifies(), plans(), rule("again", shell(wait), *steps, answer(BUILT), role="implementor"))


async def test_what_is_done_again_is_a_draft_meanwhile(system, repository, folder):
    first = await ready(system, repository)
    system.model.follow(paused_build(folder, adds_farewell()))
    await system.foundation.steering.retry_from(first.adw_id, from_phase="build", actor="ann")
    await system.eventually((folder / "hangs").exists, "the build has begun again")
    assert (await system.workflow(first.adw_id)).pr_state == "draft"
    assert await seen_on_the_forge(system, first) == "draft"
    (folder / "go").touch()
    again = await system.completed(first.adw_id)
    assert again.pr_state == await seen_on_the_forge(system, again) == "ready"
    assert await told_states(system, again.adw_id) == ["draft", "ready", "draft", "ready"]


async def test_a_phase_that_changes_nothing_leaves_a_proven_pull_request_ready(system, repository):
    first = await ready(system, repository)
    system.model.follow(scenario(rule("nothing", answer(BUILT), role="implementor")))
    await follow_up(system.foundation.database, first.adw_id, FollowUp(phase="build", actor="ann"))
    again = await system.completed(first.adw_id)
    assert (again.pr_state, again.head_sha) == ("ready", first.head_sha)
    assert await told_states(system, again.adw_id) == ["draft", "ready"]


async def test_a_new_commit_and_what_others_pushed_turn_it_into_a_draft(system, repository):
    """What was tested is void with a commit of somebody else, so the tests run again before it is ready."""
    first = await ready(system, repository)
    git(repository, "checkout", "-q", first.branch_name)
    (repository / "note.txt").write_text("seen by ann\n")
    git(repository, "add", "note.txt")
    git(repository, "commit", "-q", "-m", "Leave a note")
    git(repository, "checkout", "-q", "main")
    more = write("${cwd}/more.txt", "more\n")
    system.model.follow(scenario(rule("more", more, answer(BUILT), role="implementor")))
    await follow_up(system.foundation.database, first.adw_id, FollowUp(phase="build", actor="ann"))
    again = await system.completed(first.adw_id)
    assert again.head_sha != first.head_sha
    assert git(repository, "show", f"{again.branch_name}:note.txt") == "seen by ann"
    assert ("test", 2, "completed") in [
        (row.phase, row.attempt, row.status) for row in await system.phases(again.adw_id)
    ]
    assert again.pr_state == await seen_on_the_forge(system, again) == "ready"
    assert await told_states(system, again.adw_id) == ["draft", "ready", "draft", "ready"]
