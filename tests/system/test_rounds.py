"""Open pull requests that people and the base go on with: rounds on the same workflow, until it is merged or closed."""

from __future__ import annotations

import pytest
from repositories import commit, git, write_files
from script import answer, rule, scenario, straight, write
from watch import Watch

from adw.control.cleanup import cleanup
from adw.control.rounds import ask_round
from adw.domain.forge import ReviewComment
from adw.kit.process import host_identity
from adw.store.approvals import list_approvals
from adw.store.watches import clashes_of

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]

RESPONSE = {"summary": "Done.", "commit_message": "Say it more warmly", "answers": []}


async def offered(scene, repository, *, kind="plan-build-test"):
    """A workflow that is done, with its pull request open; other watches of the shared system are put off."""
    scene.model.follow(straight())
    done = await scene.run(repository, kind)
    assert (done.status, done.pr_state) == ("completed", "ready"), done.failure
    await Watch(scene).put_others_off(done)
    return done


def responds(*steps, answers=(), **when):
    """What the implementor does in a round: it goes on in the conversation in which it built."""
    said = RESPONSE | {"answers": list(answers)}
    return scenario(rule("respond", *steps, answer(said), role="implementor", prompt="This is round", **when))


def done_with(item, reply="It is warmer now."):
    return {"item": item, "outcome": "done", "reply": reply}


def warmer(text="farewell, dear all\n"):
    return write("${cwd}/farewell.txt", text)


async def test_requested_changes_are_made_answered_one_by_one_and_settled(system, repository):
    first = await offered(system, repository)
    forge, watch = await system.forge(first), Watch(system)
    remarks = [
        ReviewComment(path="farewell.txt", line=1, body="Too cold."),
        ReviewComment(path="farewell.txt", line=None, body="Rename this file?"),
    ]
    await forge.add_review(
        first.pr_number, state="changes_requested", body="Please be kinder.", key=None, author="ada", comments=remarks
    )
    await forge.create_comment(first.pr_number, body="Name everybody, too.", key=None, author="bob")
    await forge.create_comment(first.pr_number, body="@adw change everything!", key="own:1")
    asked = await ask_round(
        system.foundation.database,
        project_id=first.project_id,
        pr_number=first.pr_number,
        actor="eve",
        text="And quickly.",
        key=f"{first.adw_id}:c9",
    )
    assert asked == first.adw_id
    declined = {"item": 3, "outcome": "declined", "reply": "The check names it."}
    answers = [done_with(1, "Quick enough."), done_with(2), declined, done_with(4, "Kinder."), done_with(5, "All.")]
    system.model.follow(responds(warmer(), answers=answers))
    await watch.look(first)
    again = await system.completed(first.adw_id)

    assert again.pr_state == "ready"
    assert again.head_sha != first.head_sha
    assert git(repository, "show", f"{again.branch_name}:farewell.txt") == "farewell, dear all"
    assert (await system.evidence(again.adw_id))["tests"].commit == again.head_sha
    kinder, renamed = await forge.list_threads(first.pr_number)
    assert (kinder.is_resolved, renamed.is_resolved) == (True, False)
    assert kinder.comments[-1].body == f"It is warmer now.\n\nDone in {again.head_sha[:12]}."
    assert renamed.comments[-1].body == "The check names it."
    said = [each.body for each in await forge.list_comments(first.pr_number)]
    replies = [body for body in said if body.startswith("> ")]
    assert [body.splitlines()[:4] for body in replies] == [
        ["> eve:", "> And quickly.", "", "Quick enough."],
        ["> ada:", "> Please be kinder.", "", "Kinder."],
        ["> bob:", "> Name everybody, too.", "", "All."],
    ]
    built, answered = [each for each in await system.agents(again.adw_id) if each.agent_name == "implementor"]
    assert answered.session_id == built.session_id, "the same conversation goes on"

    await watch.look(again, times=2)
    assert (await system.workflow(first.adw_id)).status == "completed", "everything is answered"
    queued = await system.events(first.adw_id, "workflow_queued")
    assert [event.data["round"] for event in queued if "round" in event.data] == [1]


async def test_a_base_that_moved_is_merged_in_only_when_it_conflicts_and_the_gates_run_again(system, repository):
    first = await offered(system, repository)
    watch = Watch(system)
    write_files(repository, {"elsewhere.txt": "nothing to do with it\n"})
    commit(repository, "Write elsewhere")
    await watch.look(first)
    assert (await system.workflow(first.adw_id)).status == "completed"

    write_files(repository, {"farewell.txt": "goodbye\n"})
    commit(repository, "Say goodbye")
    joined = {"summary": "Both are said.", "commit_message": "Keep both farewells"}
    both = write("${cwd}/farewell.txt", "goodbye\nfarewell\n")
    system.model.follow(scenario(rule("join", both, answer(joined), role="resolver", prompt="hold conflicts")))
    await watch.look(first)
    again = await system.completed(first.adw_id)

    tip = git(repository, "rev-parse", "main")
    assert again.pr_state == "ready"
    assert again.base_sha == tip
    assert git(repository, "show", f"{again.branch_name}:farewell.txt") == "goodbye\nfarewell"
    assert git(repository, "rev-parse", f"{again.branch_name}^1") == first.head_sha, "nothing is rewritten"
    assert git(repository, "rev-parse", f"{again.branch_name}^2") == tip
    assert (await system.evidence(again.adw_id))["tests"].commit == again.head_sha
    async with system.foundation.database.read() as connection:
        assert [each.files for each in await clashes_of(connection, first.adw_id)] == [("farewell.txt",)]
    await watch.look(again)
    async with system.foundation.database.read() as connection:
        assert await clashes_of(connection, first.adw_id) == []


async def test_commits_of_others_are_adopted_once_they_are_certain(system, repository):
    first = await offered(system, repository)
    watch = Watch(system)
    git(repository, "checkout", "-q", first.branch_name)
    write_files(repository, {"thanks.txt": "thanks\n"})
    commit(repository, "Thank them")
    theirs = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    await watch.look(first)
    assert (await system.workflow(first.adw_id)).status == "completed", "seen once it may be old news"
    await watch.look(first)
    again = await system.completed(first.adw_id)
    assert (again.head_sha, again.pr_state) == (theirs, "ready")
    assert (await system.evidence(again.adw_id))["tests"].commit == theirs
    assert not system.model.asked("resolver")


async def test_a_merge_by_a_person_is_recorded_and_cleaned_up_after_days(system, repository):
    """Nobody looked while it happened; the record of it comes from the forge, and what waited for it begins there."""
    first = await offered(system, repository)
    child = await system.accept(repository, "plan", prompt="Say more", depends_on=(first.adw_id,))
    forge = await system.forge(first)
    pull = await forge.get_pull_request(first.pr_number)
    merged = await forge.merge_pull_request(first.pr_number, expected_head_sha=pull.head_sha, message="Say farewell")
    watch = Watch(system)
    await watch.look(first)
    known = await system.workflow(first.adw_id)
    assert (known.status, known.pr_state, known.merge_sha) == ("completed", "merged", merged.sha)
    await watch.look(first)
    assert (await forge.get_issue(first.issue_number)).state == "closed"
    assert git(repository, "branch", "--list", first.branch_name) == ""
    foundation = system.foundation
    await cleanup(foundation.database, foundation.workspaces, host=host_identity(), dry_run=False)
    gone = await system.workflow(first.adw_id)
    assert (gone.worktree_exists, gone.backend_port) == (False, None)
    begun = await system.completed(child.adw_id)
    assert (child.base_sha, begun.base_sha) == (first.base_sha, merged.sha)


async def test_conflict_marks_that_stay_become_one_question_until_somebody_closes_the_pull_request(system, repository):
    first = await offered(system, repository)
    forge, watch = await system.forge(first), Watch(system)
    write_files(repository, {"farewell.txt": "goodbye\n"})
    commit(repository, "Say goodbye")
    joined = {"summary": "Hm.", "commit_message": "Settle"}
    system.model.follow(scenario(rule("join", answer(joined), role="resolver", prompt="hold conflicts")))
    await watch.look(first)
    waiting = await system.settled(first.adw_id)
    assert (waiting.status, waiting.wait_reason, waiting.head_sha) == ("waiting", "question", first.head_sha)
    async with system.foundation.database.read() as connection:
        (asked,) = await list_approvals(connection, adw_id=first.adw_id, pending_only=True)
    assert "farewell.txt" in asked.question
    await forge.close_pull_request(first.pr_number)
    await watch.look(first, times=2)
    ended = await system.workflow(first.adw_id)
    assert (ended.status, ended.pr_state) == ("cancelled", "closed")
    async with system.foundation.database.read() as connection:
        assert await list_approvals(connection, adw_id=first.adw_id, pending_only=True) == []
    assert (await forge.get_issue(first.issue_number)).state == "open"


async def test_when_rounds_are_used_up_one_question_is_asked(system, repository):
    write_files(repository, {"adw.toml": (repository / "adw.toml").read_text() + "\n[feedback]\nmax_rounds = 0\n"})
    commit(repository, "Leave it to people")
    first = await offered(system, repository)
    forge, watch = await system.forge(first), Watch(system)
    await forge.create_comment(first.pr_number, body="Be warmer.", key=None, author="ada")
    await watch.look(first, times=3)
    assert (await system.workflow(first.adw_id)).status == "completed"
    async with system.foundation.database.read() as connection:
        (asked,) = await list_approvals(connection, adw_id=first.adw_id, pending_only=True)
    assert asked.kind == "feedback"
    questions = [each for each in await forge.list_comments(first.pr_number) if "adw approval allow" in each.body]
    assert len(questions) == 1

    system.model.follow(responds(warmer(), answers=[done_with(1)]))
    await system.control.decide(str(asked.id), allow=True, actor="ada")
    await watch.look(first, times=2)
    again = await system.completed(first.adw_id)
    assert again.head_sha != first.head_sha


@pytest.mark.parametrize(("call", "when"), [("publish", "after")])
async def test_a_worker_that_dies_in_a_round_loses_nothing_and_says_nothing_twice(scene, repository, call, when):
    worker = scene.fork_worker(impatient=True)
    first = await offered(scene, repository)
    worker.stop()
    forge = await scene.forge(first)
    await forge.add_review(
        first.pr_number,
        state="changes_requested",
        body="",
        key=None,
        author="ada",
        comments=[ReviewComment(path="farewell.txt", line=1, body="Too cold.")],
    )
    scene.model.follow(responds(warmer(), answers=[done_with(1)]))
    doomed = scene.fork_worker(death=(call, when))
    await Watch(scene).look(first)
    doomed.gone()
    scene.fork_worker(impatient=True)
    again = await scene.completed(first.adw_id)
    assert again.pr_state == "ready"
    assert git(repository, "rev-list", "--count", f"{first.head_sha}..{again.branch_name}") == "1"
    (thread,) = await forge.list_threads(first.pr_number)
    assert [each.author for each in thread.comments] == ["ada", "adw"]
    assert thread.is_resolved
