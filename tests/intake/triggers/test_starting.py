from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.intake.triggers.conftest import NOW, OURS, TriggerStage

from adw.domain.account import Permission
from adw.domain.agent import ModelSet
from adw.domain.notices import text_digest
from adw.domain.triggers import Outcome, Why
from adw.intake.triggers import TriggerDesk
from adw.kit.errors import ForgeError, ForgeLimitError


async def test_a_label_starts_work_and_what_was_asked_for_is_kept_with_it(stage: TriggerStage):
    issue = await stage.issue("adw:plan", body="They are off by one.")
    row = await stage.told(stage.labeled(issue, by="ben"))
    [workflow] = await stage.started()
    assert (row.outcome, row.adw_id) == (Outcome.STARTED, workflow.adw_id)
    assert (workflow.workflow_type, workflow.issue_number, workflow.issue_body) == ("plan", 1, "They are off by one.")
    kept = workflow.trigger
    assert (kept["source"], kept["actor"], kept["permission"]) == ("label", "ben", "write")
    assert (kept["delivery"], kept["author"], kept["needsContainment"]) == (row.id, "ann", False)
    assert kept["textDigest"] == text_digest(issue.title, issue.body)
    assert await stage.replies(issue) == []


async def test_opened_labelled_repeated_polled_and_heard_by_a_second_server_is_one_run(stage: TriggerStage):
    issue = await stage.issue("adw:plan", "bug")
    opened, labeled = stage.opened(issue), stage.labeled(issue, later_s=2)
    heard = [
        *(stage.hear(notice) for notice in (opened, labeled, opened, labeled)),
        *(stage.hear(notice, poll=True) for notice in (opened, labeled, stage.labeled(issue, later_s=3))),
    ]
    await asyncio.gather(*heard)
    desks = [TriggerDesk(stage.parts) for _ in range(4)]
    await asyncio.gather(*(stage.work(desk) for desk in desks))
    [workflow] = await stage.started()
    rows = await stage.deliveries()
    assert [row.outcome for row in rows].count(Outcome.STARTED) == 1
    assert {row.outcome for row in rows} == {Outcome.STARTED, Outcome.DUPLICATE}
    assert {row.reason for row in rows if row.outcome is Outcome.DUPLICATE} == {Why.REPEATED}
    await stage.told(stage.labeled(issue, later_s=30))
    assert [each.adw_id for each in await stage.started()] == [workflow.adw_id]
    assert await stage.replies(issue) == []


async def test_the_order_in_which_it_is_heard_does_not_matter(stage: TriggerStage):
    issue = await stage.issue("adw:plan")
    for notice in (stage.labeled(issue, later_s=2), stage.opened(issue), stage.labeled(issue, later_s=1)):
        await stage.told(notice)
    assert len(await stage.started()) == 1
    assert sorted(row.outcome for row in await stage.deliveries()) == [
        Outcome.DUPLICATE,
        Outcome.DUPLICATE,
        Outcome.STARTED,
    ]


async def test_a_worker_that_dies_after_the_start_is_followed_by_one_that_starts_nothing(stage: TriggerStage):
    issue = await stage.issue("adw:plan")
    made = await stage.hear(stage.labeled(issue))
    await stage.work()
    async with stage.database.begin() as connection:
        forgotten = "UPDATE webhook_deliveries SET outcome = 'pending', due_at = now(), notice = :notice"
        await connection.execute(text(forgotten), {"notice": await _notice(stage, issue)})
    await stage.work()
    [workflow] = await stage.started()
    [row] = await stage.deliveries()
    assert (row.id, row.outcome, row.adw_id) == (made.id, Outcome.STARTED, workflow.adw_id)


async def _notice(stage: TriggerStage, issue) -> str:
    import json

    from adw.domain.notices import encode_notice

    return json.dumps(encode_notice(stage.labeled(issue)))


async def test_a_forge_that_is_away_only_delays(stage: TriggerStage):
    issue = await stage.issue("adw:plan")
    stage.away.append(ForgeError("GitHub is away"))
    row = await stage.told(stage.labeled(issue))
    assert (row.outcome, row.detail, row.attempts) == (Outcome.PENDING, "GitHub is away", 1)
    stage.away.clear()
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE webhook_deliveries SET due_at = now()"))
    await stage.work()
    assert len(await stage.started()) == 1


async def test_a_limit_of_the_forge_is_waited_for(stage: TriggerStage):
    issue = await stage.issue("adw:plan")
    stage.away.append(ForgeLimitError("no more", until=NOW + timedelta(minutes=40)))
    await stage.told(stage.labeled(issue))
    async with stage.database.read() as connection:
        query = "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM webhook_deliveries"
        assert round((await connection.execute(text(query))).scalar_one(), -1) == 2400


async def test_what_never_works_is_given_up_and_says_so(stage: TriggerStage):
    issue = await stage.issue("adw:plan")
    stage.away.append(ForgeError("GitHub is away"))
    await stage.hear(stage.labeled(issue))
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE webhook_deliveries SET attempts = 19"))
    await stage.work()
    [row] = await stage.deliveries()
    assert (row.outcome, row.reason, row.detail) == (Outcome.FAILED, Why.GAVE_UP, "GitHub is away")


class TestComments:
    async def test_a_command_starts_work_with_its_choices(self, stage: TriggerStage):
        issue = await stage.issue(body="model_set: base\n--skip-e2e")
        row = await stage.told(stage.comment(issue, "Please.\n\n@adw plan heavy", by="ben"))
        [workflow] = await stage.started()
        assert row.outcome is Outcome.STARTED
        assert (workflow.workflow_type, workflow.model_set) == ("plan", ModelSet.HEAVY)
        assert workflow.options.skip_e2e

    @pytest.mark.parametrize(
        "body",
        [
            "adw is great",
            "we could let adw plan this",
            "> @adw plan",
            "```\n@adw plan\n```",
            "[ADW-AGENTS] 1a2b3c4d_ops: done",
            "Done.\n\n<!-- adw:key=1a2b3c4d:status -->",
        ],
    )
    async def test_a_mention_a_quotation_or_our_own_marker_starts_nothing(self, stage: TriggerStage, body: str):
        issue = await stage.issue()
        row = await stage.told(stage.comment(issue, body))
        assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.NO_TRIGGER)
        assert await stage.started() == []
        assert await stage.replies(issue) == []

    async def test_our_marker_in_somebodys_comment_makes_it_no_less_theirs(self, stage: TriggerStage):
        issue = await stage.issue()
        row = await stage.told(stage.comment(issue, "@adw plan\n\n<!-- adw:key=1a2b3c4d:status -->"))
        assert row.outcome is Outcome.STARTED

    async def test_our_own_account_starts_nothing_whatever_it_writes(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        for notice in (stage.comment(issue, "@adw plan", by=OURS), stage.labeled(issue, by=f"{OURS}[bot]")):
            row = await stage.told(notice)
            assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.OURSELVES)
        assert await stage.started() == []
        assert await stage.replies(issue) == []

    async def test_our_own_login_is_a_name_of_ours(self, stage: TriggerStage):
        issue = await stage.issue()
        assert (await stage.told(stage.comment(issue, f"@{OURS} plan"))).outcome is Outcome.STARTED

    async def test_a_stranger_starts_nothing_and_is_told_so_once(self, stage: TriggerStage):
        first, second = await stage.issue(), await stage.issue()
        for index, issue in enumerate((first, first, second)):
            row = await stage.told(stage.comment(issue, "@adw plan", by="sam", name=f"c{index}"))
            assert (row.outcome, row.reason) == (Outcome.REFUSED, Why.NOT_PERMITTED)
        assert await stage.started() == []
        assert len(await stage.replies(first)) == 1
        assert "needs write" in (await stage.replies(first))[0]
        assert await stage.replies(second) == []

    async def test_who_may_not_even_read_gets_no_answer(self, stage: TriggerStage):
        issue = await stage.issue()
        assert (await stage.told(stage.comment(issue, "@adw plan", by="nobody"))).reason == Why.NOT_PERMITTED
        assert await stage.replies(issue) == []

    async def test_an_unknown_kind_is_answered_with_the_known_ones(self, stage: TriggerStage):
        issue = await stage.issue()
        for name in ("c1", "c2"):
            row = await stage.told(stage.comment(issue, "@adw nonsense", name=name))
            assert (row.outcome, row.reason) == (Outcome.REFUSED, Why.UNKNOWN_KIND)
        [reply] = await stage.replies(issue)
        assert "`sdlc`" in reply
        assert (await stage.told(stage.comment(issue, "adw nonsense", name="c3"))).reason == Why.NO_TRIGGER

    async def test_a_comment_that_was_changed_orders_nothing(self, stage: TriggerStage):
        issue = await stage.issue()
        row = await stage.told(stage.comment(issue, "@adw plan", is_edited=True), poll=True)
        assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.EDITED_COMMENT)

    async def test_a_project_may_not_listen_to_comments(self, stage: TriggerStage):
        stage.configure("[triggers]\ncomments = false\n")
        issue = await stage.issue()
        assert (await stage.told(stage.comment(issue, "@adw plan"))).reason == Why.COMMENTS_OFF


class TestPeople:
    async def test_bots_are_ignored_unless_listed(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan", author="renovate[bot]")
        row = await stage.told(stage.labeled(issue, by="renovate[bot]", is_bot=True))
        assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.BOT)
        assert await stage.replies(issue) == []
        stage.configure('[triggers.authors]\ntrusted = ["renovate[bot]"]\n')
        row = await stage.told(stage.labeled(issue, by="renovate[bot]", is_bot=True, later_s=90))
        assert row.outcome is Outcome.STARTED

    async def test_the_blocked_get_no_answer_and_their_texts_no_work(self, stage: TriggerStage):
        stage.configure('[triggers.authors]\nblocked = ["ben"]\n')
        issue = await stage.issue("adw:plan", author="ben")
        assert (await stage.told(stage.labeled(issue, by="ben"))).reason == Why.BLOCKED
        assert (await stage.told(stage.labeled(issue, by="ann", later_s=1))).reason == Why.AUTHOR_BLOCKED
        assert await stage.replies(issue) == []

    async def test_texts_of_strangers_are_worked_on_only_shut_in(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan", author="sam", body="model_set: heavy")
        stage.is_contained = False
        assert (await stage.told(stage.labeled(issue))).reason == Why.NOT_CONTAINED
        stage.is_contained = True
        assert (await stage.told(stage.labeled(issue, later_s=90))).outcome is Outcome.STARTED
        [workflow] = await stage.started()
        assert workflow.trigger["needsContainment"] is True
        assert workflow.model_set is ModelSet.BASE

    async def test_triage_may_label_but_not_start_work(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        assert (await stage.told(stage.labeled(issue, by="tia"))).reason == Why.NOT_PERMITTED

    async def test_merging_by_itself_needs_the_projects_consent_and_more_permission(self, stage: TriggerStage):
        issue = await stage.issue("adw:zte")
        assert (await stage.told(stage.labeled(issue, "adw:zte", by="max"))).reason == Why.ZTE_OFF
        stage.configure("[triggers]\nzte = true\n")
        assert (await stage.told(stage.labeled(issue, "adw:zte", by="ben", later_s=1))).reason == Why.ZTE_NOT_PERMITTED
        assert (await stage.told(stage.labeled(issue, "adw:zte", by="max", later_s=90))).outcome is Outcome.STARTED

    async def test_permission_is_asked_for_when_it_counts(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        await stage.hear(stage.labeled(issue, by="ben"))
        stage.people["ben"] = Permission.READ
        await stage.work()
        assert await stage.started() == []


class TestText:
    async def test_a_text_that_changed_since_is_not_worked_on(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan", body="Harmless")
        seen = replace(issue, body="Something else")
        row = await stage.told(stage.labeled(seen))
        assert (row.outcome, row.reason) == (Outcome.REFUSED, Why.TEXT_CHANGED)
        assert len(await stage.replies(issue)) == 1

    async def test_a_label_that_was_taken_off_again_starts_nothing(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        await stage.forge(stage.project).remove_label(issue.number, "adw:plan")
        assert (await stage.told(stage.labeled(issue))).reason == Why.NO_TRIGGER

    async def test_a_directive_starts_work_and_names_its_kind(self, stage: TriggerStage):
        issue = await stage.issue(body="Broken.\n\nworkflow: plan_build\nmodel_set: lightweight")
        assert (await stage.told(stage.opened(issue))).outcome is Outcome.STARTED
        [workflow] = await stage.started()
        assert (workflow.workflow_type, workflow.model_set) == ("plan-build", ModelSet.LIGHTWEIGHT)

    async def test_a_strangers_directive_is_refused(self, stage: TriggerStage):
        issue = await stage.issue(body="workflow: plan", author="sam")
        assert (await stage.told(stage.opened(issue))).reason == Why.NOT_PERMITTED

    async def test_usual_labels_start_nothing_unless_they_are_mapped(self, stage: TriggerStage):
        issue = await stage.issue("bug")
        assert (await stage.told(stage.labeled(issue, "bug"))).reason == Why.NO_TRIGGER
        stage.configure('[triggers]\nlabels = { "Bug" = "plan" }\n')
        assert (await stage.told(stage.labeled(issue, "bug", later_s=90))).outcome is Outcome.STARTED


class TestWhatSpeaksAgainstIt:
    async def test_a_closed_issue(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        await stage.forge(stage.project).close_issue(issue.number)
        assert (await stage.told(stage.labeled(issue))).reason == "issue_closed"
        [reply] = await stage.replies(issue)
        assert "closed" in reply

    async def test_an_issue_somebody_works_on_already(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        await stage.told(stage.labeled(issue))
        row = await stage.told(stage.comment(issue, "@adw plan", by="ben"))
        assert row.reason == "duplicate_run"
        assert len(await stage.started()) == 1

    async def test_an_issue_that_was_worked_on_a_moment_ago(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        await stage.told(stage.labeled(issue))
        await _end(stage)
        row = await stage.told(stage.labeled(issue, later_s=90))
        assert row.reason == "cooldown"

    async def test_an_issue_that_starts_over_and_over(self, stage: TriggerStage):
        stage.configure("[triggers]\nstarts_per_day = 2\ncooldown_s = 0\n")
        issue = await stage.issue("adw:plan")
        for index in range(2):
            assert (await stage.told(stage.labeled(issue, later_s=90 * index))).outcome is Outcome.STARTED
            await _end(stage)
        assert (await stage.told(stage.labeled(issue, later_s=500))).reason == Why.TOO_MANY_STARTS

    async def test_an_issue_there_is_not(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        row = await stage.told(stage.labeled(replace(issue, number=99)))
        assert row.reason == Why.NO_ISSUE

    async def test_a_phase_that_needs_earlier_work(self, stage: TriggerStage):
        issue = await stage.issue("adw:test")
        assert (await stage.told(stage.labeled(issue, "adw:test"))).reason == Why.NEEDS_EARLIER_WORK

    async def test_settings_nobody_can_read(self, stage: TriggerStage):
        stage.configure("[triggers]\nnonsense = 1\n")
        issue = await stage.issue("adw:plan")
        row = await stage.told(stage.labeled(issue))
        assert (row.outcome, row.reason) == (Outcome.REFUSED, "configuration")

    async def test_a_recording_of_long_ago(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        stage.clock.moment = NOW + timedelta(days=8)
        assert (await stage.told(stage.labeled(issue))).reason == Why.TOO_OLD
        assert (await stage.told(stage.labeled(issue, later_s=1), poll=True)).outcome is Outcome.STARTED

    async def test_a_repository_that_is_no_project(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan")
        notice = stage.labeled(issue)
        row = await stage.told(replace(notice, origin=replace(notice.origin, repository="/nowhere")))
        assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.UNKNOWN_REPOSITORY)

    async def test_actions_that_start_nothing(self, stage: TriggerStage):
        issue = await stage.issue("adw:plan", body="workflow: plan")
        for action in ("edited", "reopened", "closed"):
            row = await stage.told(replace(stage.labeled(issue), action=action, label=None))
            assert (row.outcome, row.reason) == (Outcome.IGNORED, Why.ACTION_NOT_USED)


async def _end(stage: TriggerStage) -> None:
    async with stage.database.begin() as connection:
        await connection.execute(text("UPDATE adw_workflows SET status = 'completed', completed_at = now()"))
