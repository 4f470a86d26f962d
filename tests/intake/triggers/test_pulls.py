from __future__ import annotations

from typing import Any

import pytest
from tests.intake.triggers.conftest import OURS, TriggerStage

from adw.domain.notices import ChecksNotice, CommentNotice, PullRequestNotice, PushNotice
from adw.domain.triggers import Outcome, Why
from adw.store.workflows import update_workflow

PULL = 41
HEAD = "c" * 40


@pytest.fixture
async def stage(stage: TriggerStage) -> TriggerStage:
    """With an open pull request of ours on the branch `ours`."""
    issue = await stage.issue("adw:plan")
    await stage.told(stage.labeled(issue))
    [workflow] = await stage.started()
    async with stage.database.begin() as connection:
        changes = {"pr_number": PULL, "pr_state": "ready", "branch_name": "ours", "head_sha": HEAD}
        await update_workflow(connection, workflow.adw_id, changes=changes)
    return stage


def comment(stage: TriggerStage, body: str, *, by: str = "ben", number: int = PULL, **more: Any) -> CommentNotice:
    origin = stage.origin(by, is_bot=more.pop("is_bot", False))
    return CommentNotice(origin=origin, comment_id=f"{by}:{body}", number=number, body=body, **more)


async def test_a_request_by_somebody_who_may_is_handed_on(stage: TriggerStage):
    row = await stage.told(comment(stage, "Nearly.\n\n@adw rename it\nand test it"))
    assert (row.outcome, row.adw_id) == (Outcome.HANDED_ON, "1a2b3c4d")
    assert stage.asked == [("ben", PULL, "rename it\nand test it")]
    assert len(await stage.started()) == 1


@pytest.mark.parametrize(("by", "why"), [("sam", Why.NOT_PERMITTED), ("tia", Why.NOT_PERMITTED), (OURS, Why.OURSELVES)])
async def test_a_request_by_somebody_who_may_not_is_not(stage: TriggerStage, by: str, why: Why):
    row = await stage.told(comment(stage, "@adw merge it at once", by=by))
    assert row.reason == why
    assert stage.asked == []


async def test_a_request_by_somebody_restricted_is_handed_on_where_it_is_shut_in(stage: TriggerStage):
    stage.configure('[triggers.authors]\nrestricted = ["ben"]\n')
    stage.is_contained = False
    assert (await stage.told(comment(stage, "@adw rename it"))).reason == Why.NOT_CONTAINED
    stage.is_contained = True
    assert (await stage.told(comment(stage, "@adw rename it again"))).outcome is Outcome.HANDED_ON
    assert [text for _, _, text in stage.asked] == ["rename it again"]


async def test_a_request_by_a_bot_or_in_a_changed_comment_is_not(stage: TriggerStage):
    bot = comment(stage, "@adw do more", by="renovate[bot]", is_bot=True)
    assert (await stage.told(bot)).reason == Why.BOT
    assert (await stage.told(comment(stage, "@adw do less", is_edited=True))).reason == Why.EDITED_COMMENT
    stage.configure("[triggers]\ncomments = false\n")
    assert (await stage.told(comment(stage, "@adw do nothing"))).reason == Why.COMMENTS_OFF
    assert stage.asked == []


async def test_other_comments_only_make_somebody_look(stage: TriggerStage):
    for body in ("Looks good", "Could @adw do this?", "> @adw sdlc", "adw sdlc"):
        row = await stage.told(comment(stage, body))
        assert (row.outcome, row.adw_id) == (Outcome.HANDED_ON, None)
    assert stage.asked == []


async def test_a_pull_request_that_is_not_ours_is_left_alone(stage: TriggerStage):
    row = await stage.told(comment(stage, "@adw sdlc", number=77, on_pull_request=True))
    assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.FOREIGN_PULL_REQUEST)
    quiet = await stage.told(comment(stage, "Nice", number=77, on_pull_request=True))
    assert (quiet.outcome, quiet.reason) == (Outcome.IGNORED, Why.NOTHING_WAITS)
    assert len(await stage.started()) == 1


async def test_changes_checks_and_pushes_wake_those_they_concern(stage: TriggerStage):
    origin = stage.origin("ben")
    concern = [
        PullRequestNotice(origin=origin, number=PULL, what="synchronize", head_sha="d" * 40),
        PullRequestNotice(origin=origin, number=1, what="labeled", branch="ours"),
        ChecksNotice(origin=origin, sha=HEAD),
        PushNotice(origin=origin, branch="ours", sha="d" * 40),
        PushNotice(origin=origin, branch="main", sha="e" * 40),
    ]
    others = [
        PullRequestNotice(origin=origin, number=77, what="opened", head_sha="d" * 40, branch="theirs"),
        ChecksNotice(origin=origin, sha="d" * 40),
        PushNotice(origin=origin, branch="theirs", sha=None),
    ]
    for notice in concern:
        assert (await stage.told(notice)).outcome is Outcome.HANDED_ON, notice
    for notice in others:
        row = await stage.told(notice)
        assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.NOTHING_WAITS), notice
