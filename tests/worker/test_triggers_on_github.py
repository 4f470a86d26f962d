"""From what people do on GitHub to one workflow: webhooks, their repetition, polls and two servers at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.forge.github.stage import connect

from adw.control.rounds import ask_round
from adw.domain.triggers import Delivery, Outcome, TriggerSource, Why
from adw.domain.workflow import Workflow
from adw.forge.github import GitHub
from adw.forge.github.webhooks import Envelope, receive
from adw.forge.github_stand_in import StandIn
from adw.intake.repository import Repositories
from adw.intake.service import Intake
from adw.intake.triggers import ProjectSettings, TriggerDesk, TriggerParts
from adw.kit.clock import SystemClock
from adw.kit.paths import DataPaths
from adw.store.db import Database
from adw.store.deliveries import Arrival, arrival_of, list_deliveries, record
from adw.store.workflows import list_workflows
from adw.wiring.all_projects import AllProjects
from adw.wiring.github_projects import GitHubAccess, GitHubProjects
from adw.wiring.projects import LocalProjects
from adw.worker.poller import Poller
from adw.workspace.git import GitWorkspaces

SHOP = "octo/shop"
SECRET = "between GitHub and us"
EVENTS = ["issues", "issue_comment", "pull_request", "push"]


class Hooks:
    """Where GitHub sends its webhooks; they are kept as they come."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got.append(
                    Envelope(
                        body=body,
                        signature=self.headers["x-hub-signature-256"],
                        content_type=self.headers["content-type"],
                        event=self.headers["x-github-event"],
                        delivery_id=self.headers["x-github-delivery"],
                    )
                )
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/github"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@dataclass(slots=True)
class Scene:
    """octo's shop on GitHub, where our account is `adw-bot`, ben may write, and eve only reads."""

    stand: StandIn
    hooks: Hooks
    database: Database
    other: Database
    """The same database, as a second server sees it."""
    github: GitHub
    parts: TriggerParts

    async def delivered(self, eventually) -> list[Envelope]:
        await eventually(lambda: not self.stand.undelivered)
        got, self.hooks.got[:] = list(self.hooks.got), []
        return got

    async def take(self, envelope: Envelope, *, database: Database | None = None) -> None:
        """As the route does."""
        found = receive(envelope, secret=SECRET, now=datetime.now(UTC))
        assert found.verdict is None or found.verdict.outcome is Outcome.IGNORED, found
        if found.notice is not None:
            arrival = arrival_of(found.notice, TriggerSource.WEBHOOK, guid=found.guid, event=found.event)
        else:
            arrival = Arrival(source=TriggerSource.WEBHOOK, event=found.event, guid=found.guid, verdict=found.verdict)
        async with (database or self.database).begin() as connection:
            await record(connection, arrival)

    async def poll(self) -> None:
        async with self.database.begin() as connection:
            await connection.execute(text("UPDATE trigger_polls SET due_at = now()"))
        assert await Poller(self.parts, self.github, owner="w1").look_one()

    async def work(self) -> None:
        desk = TriggerDesk(self.parts)
        while await desk.work_one():
            pass

    async def started(self) -> list[Workflow]:
        async with self.database.read() as connection:
            return await list_workflows(connection, limit=50)

    async def rows(self) -> list[Delivery]:
        async with self.database.read() as connection:
            return await list_deliveries(connection, limit=200)

    async def replies(self, number: int) -> list[tuple[str, str]]:
        comments = await self.github.forge(SHOP).list_comments(number)
        return [(comment.author, comment.body) for comment in comments if comment.key is not None]


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    hooks = Hooks()
    yield hooks
    hooks.close()


@pytest.fixture
async def scene(database: Database, tmp_path: Path, hooks: Hooks) -> AsyncIterator[Scene]:
    stand = StandIn(folder=tmp_path / "github", rate_limit=1_000_000)
    for login in ("octo", "ben", "eve"):
        stand.add_user(login)
    token = stand.add_user("adw-bot")
    stand.add_repository(SHOP, files={"README.md": "# Shop\n"})
    for login, permission in (("ben", "write"), ("adw-bot", "write")):
        stand.grant(SHOP, login, permission)
    with stand.serve():
        stand.add_hook(SHOP, hooks.url, secret=SECRET, events=EVENTS, greet=False)
        github, other = connect(stand, database, token=token), Database(database.url, pool_size=4)
        workspaces = GitWorkspaces(tmp_path / "data", access=GitHubAccess(github))
        access = AllProjects(
            local=LocalProjects(database=database, paths=DataPaths(tmp_path / "data")),
            github=GitHubProjects(github=github, server_url=stand.server_url, workspaces=workspaces),
        )
        intake = Intake(database=database, workspaces=workspaces, access=access)
        await intake.open_project(SHOP)
        parts = TriggerParts(
            database=database,
            intake=intake,
            forge_of=access.forge,
            config_of=ProjectSettings(Repositories(database=database, workspaces=workspaces, access=access)),
            is_contained=lambda _sandbox: True,
            ask_round=ask_round,
            clock=SystemClock(),
        )
        yield Scene(stand, hooks, database, other, github, parts)
        await github.aclose()
        await other.close()


async def test_opening_with_a_label_its_redelivery_a_poll_and_a_second_server_start_one_run(scene: Scene, eventually):
    await scene.poll()
    number = scene.stand.add_issue(SHOP, "Sell more", body="Much more.", author="ben", labels=["adw:plan"])
    heard = await scene.delivered(eventually)
    assert {envelope.event for envelope in heard} == {"issues"}
    for delivery in scene.stand.deliveries(SHOP):
        scene.stand.redeliver(delivery.guid)
    again = await scene.delivered(eventually)
    assert len(again) == len(heard) >= 2
    takes = [
        scene.take(envelope, database=database) for envelope in (*again, *heard) for database in (None, scene.other)
    ]
    await asyncio.gather(scene.poll(), *takes)
    await asyncio.gather(*(scene.work() for _ in range(3)))
    await scene.poll()
    await scene.work()
    [workflow] = await scene.started()
    assert (workflow.issue_number, workflow.issue_body, workflow.workflow_type) == (number, "Much more.", "plan")
    assert [row.outcome for row in await scene.rows()].count(Outcome.STARTED) == 1
    assert {row.outcome for row in await scene.rows()} == {Outcome.STARTED, Outcome.DUPLICATE}
    assert await scene.replies(number) == []


async def test_a_poll_alone_finds_what_webhooks_would_have_told(scene: Scene, eventually):
    old = scene.stand.add_issue(SHOP, "Old", author="ben", labels=["adw:plan"])
    scene.stand.add_issue(SHOP, "Old as well", body="workflow: plan", author="ben")
    await scene.delivered(eventually)  # and lost
    await scene.poll()
    await scene.work()
    assert [each.issue_number for each in await scene.started()] == [old]
    new = scene.stand.add_issue(SHOP, "New", body="workflow: plan", author="ben")
    asked = scene.stand.add_issue(SHOP, "Asked for", author="eve")
    scene.stand.comment(SHOP, asked, "Go on.\n\n@adw plan", by="ben")
    await scene.poll()
    await scene.work()
    assert sorted(each.issue_number or 0 for each in await scene.started()) == [old, new, asked]
    # The webhooks come late, and tell nothing new.
    for envelope in await scene.delivered(eventually):
        await scene.take(envelope)
    await scene.work()
    assert len(await scene.started()) == 3


async def test_strangers_our_own_account_and_mere_mentions_start_nothing(scene: Scene, eventually):
    number = scene.stand.add_issue(SHOP, "Sell more", author="ben")
    for body, by in (("@adw plan", "eve"), ("@adw plan", "adw-bot"), ("adw could plan this", "ben")):
        scene.stand.comment(SHOP, number, body, by=by)
    for envelope in await scene.delivered(eventually):
        await scene.take(envelope)
    await scene.work()
    assert await scene.started() == []
    reasons = {(row.sender, row.reason) for row in await scene.rows() if row.event == "issue_comment.created"}
    assert reasons == {("eve", Why.NOT_PERMITTED), ("adw-bot", Why.OURSELVES), ("ben", Why.NO_TRIGGER)}
    [(author, reply)] = await scene.replies(number)
    assert author == "adw-bot"
    assert "eve has read permission" in reply
    # Our own reply comes back as an event, and starts nothing either.
    for envelope in await scene.delivered(eventually):
        await scene.take(envelope)
    await scene.poll()
    await scene.work()
    assert await scene.started() == []
    assert len(await scene.replies(number)) == 1


async def test_a_text_that_is_edited_before_anybody_looked_is_not_worked_on(scene: Scene, eventually):
    number = scene.stand.add_issue(SHOP, "Sell more", body="Harmless", author="eve")
    scene.stand.label(SHOP, number, "adw:plan", by="ben")
    scene.stand.edit(SHOP, number, body="Not so harmless", by="eve")
    for envelope in await scene.delivered(eventually):
        await scene.take(envelope)
    await scene.work()
    assert await scene.started() == []
    labeled = [row for row in await scene.rows() if row.event == "issues.labeled"]
    assert [(row.sender, row.reason) for row in labeled] == [("ben", Why.TEXT_CHANGED)]
    assert len(await scene.replies(number)) == 1
