from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.intake.conftest import door, first_repository, make_repository, repository
from tests.intake.triggers.conftest import TriggerStage
from tests.intake.triggers.conftest import stage as plain_stage

from adw.domain.changes import Changes, LabelChange
from adw.domain.forge import Comment, Issue, PullRequest
from adw.domain.triggers import Delivery, Outcome, TriggerSource, Why
from adw.intake.triggers import TriggerParts
from adw.kit.errors import ForgeError, ForgeLimitError, UsageError
from adw.store.trigger_polls import claim_poll
from adw.worker.poller import Poller

__all__ = ["door", "first_repository", "make_repository", "plain_stage", "repository"]

FULL_NAME = "octo/tally"


@dataclass(slots=True)
class Repository:
    """Changes to be told, in order, and who labelled what."""

    told: list[Changes | Exception] = field(default_factory=list[Changes | Exception])
    labels: list[LabelChange] = field(default_factory=list[LabelChange])
    asked: list[str | None] = field(default_factory=list[str | None])

    async def changes(self, full_name: str, cursor: str | None) -> Changes:
        assert full_name == FULL_NAME
        self.asked.append(cursor)
        if cursor is None:
            return Changes(cursor="0")
        following = self.told.pop(0) if self.told else Changes(cursor=cursor)
        if isinstance(following, Exception):
            raise following
        return following

    async def label_changes(self, full_name: str, number: int) -> Sequence[LabelChange]:
        assert full_name == FULL_NAME
        return [each for each in self.labels if each.number == number]


@dataclass(slots=True)
class Polled:
    """A project that is on GitHub as far as polling goes; its issues are kept by the local forge."""

    stage: TriggerStage
    source: Repository

    @property
    def parts(self) -> TriggerParts:
        parts = self.stage.parts
        local = self.stage.project

        async def config_of(_project: Any) -> Any:
            return await parts.config_of(local)

        return replace(parts, config_of=config_of, forge_of=lambda _project: self.stage.forge(local))

    def poller(self, owner: str = "w1") -> Poller:
        return Poller(self.parts, self.source, owner=owner)

    async def look(self, *told: Changes | Exception) -> list[Delivery]:
        """Looks once more, now; what has come in so far."""
        self.source.told += told
        await self.due()
        assert await self.poller().look_one()
        return await self.stage.deliveries()

    async def due(self) -> None:
        async with self.stage.database.begin() as connection:
            await connection.execute(text("UPDATE trigger_polls SET due_at = now()"))

    async def row(self) -> dict[str, Any]:
        async with self.stage.database.read() as connection:
            query = "SELECT *, due_at - clock_timestamp() AS pause FROM trigger_polls"
            return dict((await connection.execute(text(query))).mappings().one())


@pytest.fixture
async def polled(plain_stage: TriggerStage) -> Polled:
    async with plain_stage.database.begin() as connection:
        made = (
            "INSERT INTO projects (id, name, forge, source, base_branch) VALUES ('gh', 'tally', 'github', :n, 'main')"
        )
        await connection.execute(text(made), {"n": FULL_NAME})
    return Polled(plain_stage, Repository())


def label(number: int, name: str = "adw:plan", *, by: str = "ann", later_s: float = 0.0, **more: Any) -> LabelChange:
    moment = datetime.now(UTC) + timedelta(seconds=later_s)
    return LabelChange(
        id=f"{number}:{name}", number=number, label=name, is_added=True, actor=by, created_at=moment, **more
    )


def comment(number: int, body: str, **more: Any) -> Comment:
    now = datetime.now(UTC)
    values = {"id": "9", "number": number, "body": body, "author": "ann", "created_at": now, "updated_at": now}
    return Comment(**(values | more))


async def test_the_first_look_takes_the_present_as_it_is_but_for_labels_that_start_work(polled: Polled):
    for body in ("workflow: plan", "", ""):
        await polled.stage.issue("bug", body=body)
    wanted = await polled.stage.issue("bug", "adw:plan")
    polled.source.labels = [label(wanted.number, "bug"), label(wanted.number, by="ben", later_s=-86_400)]
    assert await polled.poller().look_one()
    [row] = await polled.stage.deliveries()
    assert (row.source, row.event, row.number, row.sender) == (
        TriggerSource.POLL,
        "issue.labeled",
        wanted.number,
        "ben",
    )
    assert row.outcome is Outcome.PENDING
    assert (await polled.row())["cursor"] == "0"


async def test_new_issues_labels_and_comments_are_told_and_old_ones_that_changed_are_not(polled: Polled):
    await polled.look()
    new, old = await polled.stage.issue(body="workflow: plan"), await polled.stage.issue()
    old = replace(old, created_at=datetime.now(UTC) - timedelta(days=400))
    rows = await polled.look(
        Changes(
            cursor="1",
            issues=(new, old),
            labels=(label(old.number), replace(label(old.number), is_added=False)),
            comments=(comment(old.number, "@adw plan"),),
        )
    )
    assert [row.event for row in rows] == ["comment.created", "issue.labeled", "issue.opened"]
    assert [row.number for row in rows] == [old.number, old.number, new.number]
    assert (await polled.row())["cursor"] == "1"


async def test_what_a_webhook_told_already_is_the_same_when_it_is_polled(polled: Polled):
    await polled.look()
    issue = await polled.stage.issue("adw:plan")
    change = label(issue.number)
    changes = Changes(cursor="1", issues=(issue,), labels=(change,))
    first = await polled.look(changes)
    again = await polled.look(replace(changes, cursor="2"))
    assert [row.id for row in again] == [row.id for row in first]
    assert {row.times for row in again} == {2}


async def test_a_label_somebody_else_put_on_is_not_the_authors_wish(polled: Polled):
    await polled.look()
    issue = await polled.stage.issue("adw:plan", "adw:sdlc", author="sam")
    changes = Changes(cursor="1", issues=(issue,), labels=(label(issue.number, by="ann"),))
    await polled.look(changes)
    async with polled.stage.database.read() as connection:
        query = "SELECT notice->'issue'->'labels' FROM webhook_deliveries WHERE event = 'issue.opened'"
        assert (await connection.execute(text(query))).scalar_one() == []


async def test_labels_and_comments_of_pull_requests_start_nothing(polled: Polled):
    await polled.look()
    now = datetime.now(UTC)
    pull = PullRequest(
        number=5,
        title="",
        body="",
        state="ready",
        head_branch="b",
        head_sha="a" * 40,
        base="main",
        author="ann",
        created_at=now,
        updated_at=now,
    )
    rows = await polled.look(
        Changes(
            cursor="1",
            labels=(label(5, is_pull_request=True),),
            comments=(comment(5, "@adw plan"), comment(6, "@adw plan", id="10", url="https://x/o/r/pull/6#c")),
            pulls=(pull,),
        )
    )
    assert [row.event for row in rows] == ["pull_request.changed", "comment.created", "comment.created"]
    async with polled.stage.database.read() as connection:
        query = "SELECT notice->'on_pull_request' FROM webhook_deliveries WHERE event = 'comment.created'"
        assert list((await connection.execute(text(query))).scalars()) == [True, True]


async def test_the_text_of_an_issue_that_only_its_label_tells_of_is_fetched(polled: Polled):
    await polled.look()
    issue = await polled.stage.issue("adw:plan", body="Off by one")
    [row] = await polled.look(Changes(cursor="1", labels=(label(issue.number), label(issue.number + 50))))
    assert row.number == issue.number


async def test_of_many_workers_one_looks_at_a_project(polled: Polled):
    looked = await asyncio.gather(*(polled.poller(f"w{index}").look_one() for index in range(4)))
    assert looked.count(True) == 1
    assert polled.source.asked == [None]


async def test_a_worker_that_lost_its_turn_writes_nothing_down(polled: Polled):
    await polled.look()
    issue = await polled.stage.issue("adw:plan")

    class Overtaken(Repository):
        async def changes(self, full_name: str, cursor: str | None) -> Changes:
            assert (full_name, cursor) == (FULL_NAME, "0")
            async with polled.stage.database.begin() as connection:
                await connection.execute(text("UPDATE trigger_polls SET leased_until = now()"))
                assert (await claim_poll(connection, owner="w2")) is not None
            return Changes(cursor="1", labels=(label(issue.number),), issues=(issue,))

    await polled.due()
    await Poller(polled.parts, Overtaken(), owner="w1").look_one()
    assert await polled.stage.deliveries() == []
    row = await polled.row()
    assert (row["cursor"], row["owner"]) == ("0", "w2")


async def test_a_forge_that_fails_is_asked_less_and_less_often(polled: Polled):
    await polled.look()
    pauses = []
    for _ in range(3):
        await polled.look(ForgeError("GitHub is away"))
        row = await polled.row()
        pauses.append(round(row["pause"].total_seconds(), -1))
        assert (row["problem"], row["cursor"], row["owner"]) == ("GitHub is away", "0", None)
    assert pauses == [60, 120, 240]
    await polled.look()
    row = await polled.row()
    assert (row["failures"], row["problem"]) == (0, None)


async def test_a_limit_is_waited_for(polled: Polled):
    await polled.look()
    until = polled.stage.clock.now() + timedelta(minutes=30)
    await polled.look(ForgeLimitError("no more", until=until))
    assert round((await polled.row())["pause"].total_seconds(), -1) == 1800


async def test_there_being_more_is_looked_at_at_once(polled: Polled):
    await polled.look()
    await polled.look(Changes(cursor="1", is_complete=False))
    assert (await polled.row())["pause"] < timedelta(seconds=1)


async def test_a_cursor_that_means_nothing_any_more_begins_anew(polled: Polled):
    await polled.look()
    await polled.look(UsageError("this is no cursor"))
    assert polled.source.asked == [None, "0", None]


async def test_a_project_that_is_not_polled_is_left_alone_and_its_schedules_are_read(polled: Polled):
    polled.stage.configure('[triggers]\npoll_s = 0\nschedules = [{ cron = "0 3 * * 1", prompt = "x" }]\n')
    assert await polled.poller().look_one()
    assert polled.source.asked == []
    async with polled.stage.database.read() as connection:
        crons = "SELECT project_id FROM schedules"
        assert list((await connection.execute(text(crons))).scalars()) == ["gh"]


async def test_settings_nobody_can_read_are_the_usual_ones(polled: Polled):
    polled.stage.configure("[triggers]\nnonsense = 1\n")
    await polled.look()
    assert polled.source.asked == [None]
    assert round((await polled.row())["pause"].total_seconds()) == 60


async def test_an_issue_on_github_is_the_one_the_poll_found(polled: Polled):
    """From look to refusal: nobody by that name may start anything."""
    await polled.look()
    issue: Issue = await polled.stage.issue("adw:plan")
    await polled.look(Changes(cursor="1", issues=(issue,), labels=(label(issue.number, by="sam"),)))
    from adw.intake.triggers import TriggerDesk

    desk = TriggerDesk(polled.parts)
    while await desk.work_one():
        pass
    reasons = {row.event: row.reason for row in await polled.stage.deliveries()}
    assert reasons == {"issue.labeled": Why.NOT_PERMITTED, "issue.opened": Why.NO_TRIGGER}
