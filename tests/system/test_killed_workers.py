"""A worker that is gone at any moment costs time, never work: the next one goes on, and repeats nothing."""

from __future__ import annotations

import signal

import pytest
from repositories import git, make_repository
from script import (
    BUILT,
    answer,
    blocks,
    call,
    classifies,
    plans,
    rule,
    scenario,
    shell,
    straight,
    write,
)

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


def half_done(folder):
    """An implementor that has written half when its command hangs; resumed, it completes the other half."""
    hangs = f"echo $$ > {folder}/hangs; exec sleep 300"
    return scenario(
        classifies(),
        plans(),
        # the conversation that was broken off is there: its first words, and a second prompt
        rule(
            "resumed",
            shell("cat farewell.txt"),
            write("${cwd}/checks/farewell.sh", "grep -q farewell farewell.txt\n"),
            answer(BUILT),
            role="implementor",
            turn=2,
            any_text="I begin with the first half",
        ),
        rule(
            "broken-off",
            blocks(
                {"text": "I begin with the first half"},
                call("Write", file_path="${cwd}/farewell.txt", content="farewell\n"),
            ),
            shell(hangs),
            role="implementor",
            turn=1,
        ),
    )


@pytest.fixture
def hanging(scene):
    """Waits until the command that hangs is running, and what was said before it is in the books."""

    async def wait():
        await scene.eventually((scene.folder / "hangs").exists, "the agent's command hangs")
        await scene.eventually(lambda: scene.has_said("sleep 300"), "the conversation is kept")

    return wait


@pytest.mark.runtime("claude")
async def test_a_turn_that_is_killed_goes_on_in_the_same_conversation_and_tree(scene, repository, hanging):
    scene.model.follow(half_done(scene.folder))
    worker = scene.fork_worker()
    accepted = await scene.accept(repository)
    await hanging()
    before = await scene.workflow(accepted.adw_id)
    worker.kill()
    await scene.nothing_survives()
    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)

    assert workflow.pr_state == "ready"
    assert workflow.worktree_path == before.worktree_path
    rules = [entry.rule for entry in scene.model.asked("implementor")]
    assert rules == ["broken-off-3"] * 2 + ["resumed-2"] * 3
    seen = [e for e in await scene.events(workflow.adw_id, "agent_tool_result") if "farewell" in e.message]
    assert seen, "the file that was not committed is still there"
    await finished_once(scene, repository, workflow)
    assert [a.retry_count for a in await scene.agents(workflow.adw_id) if a.agent_name == "implementor"] == [1]
    booked, counted = (await scene.usage(workflow.adw_id)).tokens, scene.model.journal.totals
    assert booked.input >= counted.input_tokens, "never less than the model's own count"
    assert booked.output >= counted.output_tokens


async def test_killed_project_tests_run_again(scene, folder):
    # the tests of the work hang once, those of the base do not
    waits = f"""
if [ -e farewell.txt ] && mkdir {folder}/once 2>/dev/null; then echo $$ > {folder}/hangs; sleep 300; fi
"""
    repository = make_repository(folder / "sample", {"checks/waits.sh": waits})
    scene.model.follow(straight())
    worker = scene.fork_worker()
    accepted = await scene.accept(repository)
    await scene.eventually((scene.folder / "hangs").exists, "the tests hang")
    worker.kill()
    await scene.nothing_survives()
    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)
    assert workflow.pr_state == "ready"
    await finished_once(scene, repository, workflow)


@pytest.mark.runtime("claude")
@pytest.mark.slow
async def test_a_stopped_worker_is_replaced_and_never_wakes(scene, repository, hanging):
    scene.model.follow(half_done(scene.folder))
    stopped = scene.fork_worker()
    accepted = await scene.accept(repository)
    await hanging()
    stopped.send(signal.SIGSTOP)
    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)
    assert workflow.pr_state == "ready"
    assert not stopped.alive
    await scene.nothing_survives(timeout_s=10)
    await finished_once(scene, repository, workflow)


async def finished_once(scene, repository, workflow, *, commits=2, phases=("plan", "build", "test", "finish")):
    """One pull request, no commit lost or doubled, each phase and conversation once, no process left."""
    forge = await scene.forge(workflow)
    pulls = await forge.list_pull_requests(state="all")
    assert [pull.number for pull in pulls] == [workflow.pr_number]
    assert pulls[0].head_sha == workflow.head_sha
    assert git(repository, "rev-parse", workflow.branch_name) == workflow.head_sha
    log = git(repository, "log", "--format=%s", f"main..{workflow.branch_name}").splitlines()
    assert len(log) == commits
    rows = await scene.phases(workflow.adw_id)
    assert [(row.phase, row.attempt, row.status.value) for row in rows] == [(name, 1, "completed") for name in phases]
    for role in ("classifier", "planner", "implementor"):
        assert scene.model.conversations(role) <= 1
    comments = await forge.list_comments(workflow.issue_number)
    assert sum("| phase | status | attempt |" in comment.body for comment in comments) == 1
    events = await scene.events(workflow.adw_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for once in ("workflow_started", "pull_request_opened", "workflow_completed"):
        assert sum(event.type == once for event in events) == 1, once
    assert any(event.type == "workflow_recovered" for event in events)
    await scene.nothing_survives()
