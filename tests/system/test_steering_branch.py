"""Steering that moves branches: doing phases again, branching off, taking over, and commits of others."""

from __future__ import annotations

import pytest
from repositories import git
from script import (
    BUILT,
    adds_farewell,
    answer,
    blocks,
    builds,
    call,
    classifies,
    plans,
    rule,
    scenario,
    shell,
    straight,
    write,
)

from adw.domain.message import MAX_MESSAGE_CHARS
from adw.kit.errors import ConflictError, UsageError, WrongStateError
from adw.store.approvals import list_approvals
from adw.store.messages import list_messages

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]


def remote_of(system, workflow):
    return system.foundation.paths.forge_remote(workflow.project_id)


def rows_of(rows):
    return [(row.phase, row.attempt, row.status.value) for row in rows]


async def test_a_build_done_again_starts_from_the_plan_and_keeps_what_it_gives_up(system, repository):
    system.model.follow(straight())
    first = await system.run(repository)
    assert (first.status, first.pr_state) == ("completed", "ready"), first.failure
    requests = len(system.model.journal.entries)
    better = [write("${cwd}/farewell.txt", "fare thee well, farewell\n")]
    system.model.follow(straight(build=better))
    queued = await system.foundation.steering.retry_from(first.adw_id, from_phase="build", actor="person")
    plan = (await system.phases(first.adw_id))[0].commit_after
    assert (queued.status, queued.rewind_to) == ("queued", plan)
    again = await system.completed(first.adw_id)

    assert (again.pr_state, again.rewind_to, again.pr_number) == ("ready", None, first.pr_number)
    assert git(repository, "rev-parse", f"{again.branch_name}~1") == plan
    assert git(repository, "show", f"{again.branch_name}:farewell.txt") == "fare thee well, farewell"
    kept = git(remote_of(system, again), "rev-parse", f"refs/adw/{again.adw_id}/attempt-1")
    assert kept == first.head_sha
    assert system.model.conversations("implementor") == 1, "a conversation of its own"
    assert system.model.conversations("planner") == 0
    assert requests
    assert rows_of(await system.phases(again.adw_id)) == [
        ("plan", 1, "completed"),
        ("build", 1, "superseded"),
        ("test", 1, "superseded"),
        ("finish", 1, "superseded"),
        ("build", 2, "completed"),
        ("test", 2, "completed"),
        ("finish", 2, "completed"),
    ]
    assert (await system.evidence(again.adw_id))["tests"].commit == again.head_sha


async def test_a_fork_inherits_what_came_before_and_is_compared(system, repository):
    system.model.follow(straight())
    source = await system.run(repository)
    with pytest.raises(UsageError):
        await system.foundation.steering.fork(source.adw_id, from_phase="review", actor="person")
    system.model.follow(straight(build=[write("${cwd}/farewell.txt", "so long, farewell\n")]))
    fork = await system.foundation.steering.fork(source.adw_id, from_phase="build", actor="person", kind="plan_build")
    assert fork.forked_from == source.adw_id
    done = await system.completed(fork.adw_id)

    assert (done.workflow_type, done.pr_state) == ("plan-build", "draft")
    assert done.issue_number == source.issue_number
    assert done.pr_number != source.pr_number
    assert git(repository, "rev-parse", f"{done.branch_name}~1") == git(
        repository, "rev-parse", f"{source.branch_name}~1"
    )
    assert (system.model.conversations("classifier"), system.model.conversations("planner")) == (0, 0)
    plan, build, _ = await system.phases(done.adw_id)
    assert plan.data["inheritedFrom"] == source.adw_id
    assert (plan.phase, plan.status, build.phase, build.attempt) == ("plan", "completed", "build", 1)
    assert (await system.workflow(source.adw_id)).head_sha == source.head_sha
    compared = await system.foundation.steering.compare(source.adw_id, done.adw_id)
    assert "+so long, farewell" in compared.diff
    assert "-farewell" in compared.diff
    assert [side.workflow.adw_id for side in (compared.first, compared.second)] == [source.adw_id, done.adw_id]


@pytest.fixture
async def at_work(system, repository, folder):
    """A workflow whose implementor has written half and sits in a command."""
    system.model.follow(
        scenario(
            classifies(),
            plans(),
            rule(
                "resumed",
                answer(BUILT),
                role="implementor",
                turn=2,
                any_text="I begin",
            ),
            rule(
                "begun",
                blocks({"text": "I begin"}, call("Write", file_path="${cwd}/farewell.txt", content="first half\n")),
                shell(f"touch {folder}/hangs; sleep 300"),
                role="implementor",
            ),
        )
    )
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the agent's command hangs")
    await system.eventually(lambda: system.has_said("sleep 300"), "the conversation is kept")
    return await system.workflow(accepted.adw_id)


async def test_a_person_takes_the_worktree_over_and_hands_their_work_back(system, repository, at_work):
    adw_id, steering = at_work.adw_id, system.foundation.steering
    taken = await steering.takeover(adw_id, actor="ann")
    assert system.survivors() == [], "the agent is dead once the path is told"
    assert (taken.workflow.status, taken.workflow.held_by, taken.notes) == ("paused", "ann", ())
    assert (taken.path / "farewell.txt").read_text() == "first half\n"
    with pytest.raises(WrongStateError, match="taken over"):
        await system.control.resume(adw_id, actor="bob")
    with pytest.raises(ConflictError, match="ann"):
        await steering.takeover(adw_id, actor="bob")
    (taken.path / "farewell.txt").write_text("farewell\n")
    git(taken.path, "add", "farewell.txt")
    git(taken.path, "commit", "-q", "-m", "Say it by hand")
    (taken.path / "checks" / "farewell.sh").write_text("grep -q farewell farewell.txt\n")
    await steering.handback(adw_id, actor="ann", message="Check the farewell")
    done = await system.completed(adw_id)

    assert (done.held_by, done.pr_state) == (None, "ready"), done.failure
    log = git(repository, "log", "--format=%s", f"main..{done.branch_name}").splitlines()
    assert log[:2] == ["Check the farewell", "Say it by hand"]
    assert "Left uncommitted in the worktree by ann" in git(repository, "log", "-1", "--format=%b", done.branch_name)
    assert (await system.evidence(adw_id))["tests"].commit == done.head_sha
    with pytest.raises(WrongStateError):
        await steering.handback(adw_id, actor="ann")


async def test_what_a_person_commits_on_the_branch_meanwhile_becomes_part_of_it(system, repository, folder):
    pauses = shell(f"touch {folder}/hangs; while [ ! -e {folder}/go ]; do sleep 0.05; done")
    system.model.follow(straight(build=[pauses, adds_farewell()]))
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the agent waits")
    branch = (await system.workflow(accepted.adw_id)).branch_name
    git(repository, "checkout", "-q", branch)
    (repository / "note.txt").write_text("seen by ann\n")
    git(repository, "add", "note.txt")
    git(repository, "commit", "-q", "-m", "Leave a note")
    git(repository, "checkout", "-q", "main")
    (folder / "go").touch()
    done = await system.completed(accepted.adw_id)

    assert done.pr_state == "ready"
    log = git(repository, "log", "--format=%s", f"main..{branch}").splitlines()
    assert log[1:] == ["Leave a note", "plan: Say farewell"]
    assert git(repository, "show", f"{branch}:note.txt") == "seen by ann"
    assert git(repository, "show", f"{branch}:farewell.txt") == "farewell"
    assert git(remote_of(system, done), "rev-parse", branch) == done.head_sha
    assert (await system.evidence(done.adw_id))["tests"].commit == done.head_sha
    with pytest.raises(ConflictError, match="not the workflow's own"):
        await system.foundation.steering.retry_from(done.adw_id, from_phase="build", actor="person")

    system.model.follow(straight())
    await system.foundation.steering.retry_from(done.adw_id, from_phase="build", actor="person", discard_foreign=True)
    again = await system.completed(done.adw_id)
    assert (again.pr_state, again.pr_number) == ("ready", done.pr_number)
    assert "note.txt" not in git(repository, "ls-tree", "--name-only", branch).splitlines()
    kept = f"refs/adw/{done.adw_id}/attempt-1:note.txt"
    assert git(remote_of(system, again), "show", kept) == "seen by ann"


async def test_a_commit_pushed_after_the_tests_has_them_run_again(system, repository, folder):
    """Found right before the end is judged; what was verified on the older head is void."""
    slow = (
        f"if [ -e farewell.txt ] && mkdir {folder}/once 2>/dev/null; then touch {folder}/hangs; "
        f"while [ ! -e {folder}/go ]; do sleep 0.05; done; fi\n"
    )
    (repository / "checks" / "slow.sh").write_text(slow)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "Be slow once")
    system.model.follow(straight())
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the tests wait")
    workflow = await system.workflow(accepted.adw_id)
    clone = folder / "clone"
    git(folder, "clone", "-q", "-b", workflow.branch_name, str(remote_of(system, workflow)), str(clone))
    (clone / "note.txt").write_text("pushed by ann\n")
    git(clone, "add", "note.txt")
    git(clone, "commit", "-q", "-m", "Leave a note")
    git(clone, "push", "-q", "origin", workflow.branch_name)
    (folder / "go").touch()
    done = await system.completed(accepted.adw_id)

    assert (done.pr_state, done.head_sha) == ("ready", git(clone, "rev-parse", "HEAD"))
    assert ("test", 1, "superseded") in rows_of(await system.phases(done.adw_id))
    assert ("test", 2, "completed") in rows_of(await system.phases(done.adw_id))
    assert git(repository, "rev-parse", done.branch_name) == done.head_sha


async def test_a_conflict_with_a_persons_commit_is_one_question_and_solved_in_the_worktree(system, repository, folder):
    pauses = shell(f"touch {folder}/hangs; while [ ! -e {folder}/go ]; do sleep 0.05; done")
    system.model.follow(straight(build=[pauses, adds_farewell()]))
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the agent waits")
    branch = (await system.workflow(accepted.adw_id)).branch_name
    git(repository, "checkout", "-q", branch)
    (repository / "farewell.txt").write_text("good bye\n")
    git(repository, "add", "farewell.txt")
    git(repository, "commit", "-q", "-m", "Say good bye")
    theirs = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    (folder / "go").touch()
    waiting = await system.settled(accepted.adw_id)
    assert (waiting.status, waiting.wait_reason) == ("waiting", "question"), waiting.failure
    async with system.foundation.database.read() as connection:
        [asked] = await list_approvals(connection, adw_id=waiting.adw_id, pending_only=True)
    assert (asked.kind, asked.data["files"]) == ("conflict", ["farewell.txt"])
    assert git(repository, "rev-parse", branch) == theirs
    await system.control.decide(waiting.adw_id, allow=True, actor="ann")
    waiting = await system.settled(waiting.adw_id)
    assert (waiting.status, waiting.wait_reason) == ("waiting", "question"), "tried again, and asked again"
    async with system.foundation.database.read() as connection:
        assert len(await list_approvals(connection, adw_id=waiting.adw_id)) == 2

    taken = await system.foundation.steering.takeover(waiting.adw_id, actor="ann")
    git(taken.path, "merge", "-q", "-X", "theirs", "-m", "Agree on a farewell", theirs)
    (taken.path / "farewell.txt").write_text("good bye and farewell\n")
    await system.foundation.steering.handback(waiting.adw_id, actor="ann")
    done = await system.completed(waiting.adw_id)
    assert done.pr_state == "ready"
    assert git(repository, "merge-base", theirs, branch) == theirs
    assert git(repository, "show", f"{branch}:farewell.txt") == "good bye and farewell"
    assert system.model.conversations("implementor") == 1


async def test_an_agent_hears_a_message_before_its_answer_counts(system, repository, folder):
    pauses = shell(f"touch {folder}/hangs; while [ ! -e {folder}/go ]; do sleep 0.05; done")
    system.model.follow(
        scenario(
            classifies(),
            plans(),
            rule(
                "told",
                write("${cwd}/farewell.txt", "farewell, friends\n"),
                answer(BUILT),
                role="implementor",
                turn=2,
                any_text="Address friends",
            ),
            builds(pauses, adds_farewell()),
        )
    )
    steering = system.foundation.steering
    accepted = await system.accept(repository)
    await system.eventually((folder / "hangs").exists, "the agent waits")
    [agent] = [each for each in await steering.agents() if each.adw_id == accepted.adw_id]
    assert (agent.agent_name, agent.phase) == ("implementor", "build")
    await steering.send(accepted.adw_id, text="Address friends", actor="ann")
    with pytest.raises(UsageError):
        await steering.send(accepted.adw_id, text="x" * (MAX_MESSAGE_CHARS + 1), actor="ann")
    (folder / "go").touch()
    done = await system.completed(accepted.adw_id)

    assert git(repository, "show", f"{done.branch_name}:farewell.txt") == "farewell, friends"
    assert system.model.conversations("implementor") == 1
    async with system.foundation.database.read() as connection:
        [message] = await list_messages(connection, done.adw_id)
    assert message.delivered_at is not None
    assert [event.data["by"] for event in await system.events(done.adw_id) if "what ann says" in event.message] == [
        "ann"
    ]
    assert [each for each in await steering.agents() if each.adw_id == accepted.adw_id] == []
    with pytest.raises(WrongStateError, match="completed"):
        await steering.send(done.adw_id, text="Too late", actor="ann")
