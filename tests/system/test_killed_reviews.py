"""A review whose worker is killed again and again: nobody is asked twice, nothing is said twice."""

from __future__ import annotations

import pytest
from repositories import git
from script import (
    PATCHED,
    adds_farewell,
    answer,
    blocks,
    builds,
    call,
    classifies,
    finding,
    plans,
    reviews,
    rule,
    say,
    scenario,
    shell,
)

from adw.store import phases

pytestmark = [pytest.mark.runtime("plain"), pytest.mark.uncontained]

RUDE = finding("farewell.txt: the farewell is rude")
REJECTED = {"success": False, "review_summary": "It is rude.", "review_issues": [RUDE]}
FOREVER_MS = 300_000


def script(folder):
    """The first reviewer falls silent after it has read a file, the patcher's command hangs; resumed, both go on."""
    polite = blocks({"text": "I mend it"}, call("Write", file_path="${cwd}/polite.txt", content="dear guest\n"))
    return scenario(
        classifies(),
        plans(),
        builds(adds_farewell()),
        reviews(round_number=2),
        rule("resumed-review", answer(REJECTED), role="reviewer", turn=2, any_text="I read it first"),
        rule(
            "silent",
            blocks({"text": "I read it first"}, call("Read", file_path="${cwd}/farewell.txt")),
            say("Well,", turn_ms=FOREVER_MS),
            role="reviewer",
            turn=1,
        ),
        rule("resumed-patch", answer(PATCHED), role="patcher", turn=2, any_text="I mend it"),
        rule("hangs", polite, shell(f"echo $$ > {folder}/hangs; exec sleep 300"), role="patcher", turn=1),
    )


@pytest.mark.slow
async def test_a_review_that_is_killed_while_it_reads_patches_and_comments_goes_on(scene, repository):
    scene.model.follow(script(scene.folder))
    worker = scene.fork_worker()
    accepted = await scene.accept(repository, "plan-build-test-review")
    await scene.eventually(lambda: len(scene.model.asked("reviewer")) > 1, "the reviewer is silent")
    await scene.eventually(lambda: scene.has_said("I read it first"), "the conversation is kept")
    worker.kill()
    await scene.nothing_survives()

    worker = scene.fork_worker()
    await scene.eventually((scene.folder / "hangs").exists, "the patcher's command hangs")
    await scene.eventually(lambda: scene.has_said("sleep 300"), "the conversation is kept")
    worker.kill()
    await scene.nothing_survives()

    worker = scene.fork_worker(death=("upsert_comment", "after"))
    worker.gone()
    assert "dies after upsert_comment" in worker.said()
    assert len(await review_comments(scene, await scene.workflow(accepted.adw_id))) == 1

    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)
    assert workflow.pr_state == "ready"
    await reviewed_once(scene, repository, workflow)


async def reviewed_once(scene, repository, workflow):
    """Two rounds, one patch, one comment, one attempt at each phase, nothing left running."""
    conversations = [scene.model.conversations(role) for role in ("implementor", "reviewer", "patcher")]
    assert conversations == [1, 2, 1]
    assert len(await review_comments(scene, workflow)) == 1
    log = git(repository, "log", "--format=%s", f"main..{workflow.branch_name}").splitlines()
    assert log[0] == PATCHED["commit_message"]
    assert len(log) == 3
    async with scene.foundation.database.read() as connection:
        rows = await phases.list_evidence(connection, workflow.adw_id)
    assert [row.evidence.outcome.value for row in rows if row.evidence.gate == "review"] == ["failed", "passed"]
    assert {row.attempt for row in await scene.phases(workflow.adw_id)} == {1}
    events = await scene.events(workflow.adw_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    await scene.nothing_survives()


async def review_comments(scene, workflow):
    forge = await scene.forge(workflow)
    comments = await forge.list_comments(workflow.pr_number)
    return [comment for comment in comments if comment.body.startswith("**Review:")]
