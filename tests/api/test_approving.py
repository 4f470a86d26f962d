"""Answering by a link: looking changes nothing, pressing a button decides once, and everything else is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from tests.api.problem import problem_of
from tests.api.stage import URL, Stage, client_of
from tests.notify.receivers import HttpReceiver, listening
from tests.notify.stage import Bench

from adw.api.access.limits import PeerLimit
from adw.domain.access import digest
from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.events import EventType
from adw.domain.status import Status
from adw.store.approval_links import add_approval_link
from adw.store.approvals import ask, get_approval
from adw.store.events import get_workflow_events

FORM = {"content-type": "application/x-www-form-urlencoded"}
SECRET = "a-secret-of-256-bits-or-so"


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """Without a token, under the name that people use."""
    async with client_of(stage.app) as client:
        del client.headers["Authorization"]
        client.headers["host"] = "adw.example.com"
        yield client


@pytest.fixture
async def asked(stage: Stage) -> Approval:
    """A workflow that waits for an answer, and a link of Ann's to it."""
    adw_id = (await stage.work("<b>Totals & more</b>")).adw_id
    await stage.activate(adw_id)
    approval = await stage.ask(adw_id)
    await stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
    channel = await Bench(database=stage.database).channel("http://127.0.0.1:1/hook", name="anns", person="Ann")
    async with stage.database.begin() as connection:
        await add_approval_link(
            connection, digest=digest(SECRET), approval_id=approval.id, channel=channel, person="Ann"
        )
    return approval


async def decision(stage: Stage, approval: Approval) -> Approval:
    async with stage.database.read() as connection:
        return await get_approval(connection, approval.id)


async def press(browser: httpx.AsyncClient, button: str, secret: str = SECRET, **headers: str) -> httpx.Response:
    return await browser.post(f"/approve/{secret}", content=f"decision={button}", headers=FORM | headers)


async def test_looking_shows_what_is_asked_and_changes_nothing(
    stage: Stage, browser: httpx.AsyncClient, asked: Approval
):
    before = await stage.row(asked.adw_id)
    for _ in range(2):  # a mail server's scanner, and its sandbox
        assert (await browser.get(f"/approve/{SECRET}")).status_code == 200
    answer = await browser.get(f"/approve/{SECRET}")
    assert answer.status_code == 200
    assert "&lt;b&gt;Totals &amp; more&lt;/b&gt;" in answer.text
    for words in ("May it?", asked.adw_id, "nothing yet", "Ann"):
        assert words in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert (await decision(stage, asked)).decision is Decision.PENDING
    assert await stage.row(asked.adw_id) == before


@pytest.mark.parametrize(("button", "status"), [("allow", "active"), ("deny", "failed")])
async def test_a_button_decides_and_is_written_down(
    stage: Stage, browser: httpx.AsyncClient, asked: Approval, button: str, status: str
):
    answer = await press(browser, button, origin="null")  # as a browser says that keeps its referrer to itself
    assert answer.status_code == 200
    assert ("Approved" if button == "allow" else "Denied") in answer.text
    decided = await decision(stage, asked)
    assert (decided.decision.value[:4], decided.decided_by) == (button[:4].replace("deny", "deni"), "link:anns")
    assert "Ann" in (decided.reason or "")
    assert (await stage.row(asked.adw_id)).status == status
    entry = (await stage.http.get("/api/audit")).json()["entries"][0]
    assert (entry["who"], entry["method"], entry["route"]) == ("link:anns", "POST", "/approve/{secret}")
    assert entry["target"] == f"{asked.id} as Ann"
    assert SECRET not in (await stage.http.get("/api/audit")).text
    async with stage.database.read() as connection:
        told = await get_workflow_events(connection, asked.adw_id)
        kept = (await connection.execute(text("SELECT * FROM approval_links"))).one()
    assert SECRET not in str(told)
    assert SECRET not in map(str, kept)


async def test_a_call_of_an_agent_is_shown_whole_and_refused_without_harm_to_its_workflow(
    stage: Stage, browser: httpx.AsyncClient, asked: Approval
):
    bench = Bench(database=stage.database)
    channel = await bench.channel("http://127.0.0.1:1/hook", name="bos", person="Bo")
    async with stage.database.begin() as connection:
        call, _ = await ask(
            connection,
            adw_id=asked.adw_id,
            kind=ApprovalKind.TOOL,
            key="t",
            question="May the planner use Write: a.sql",
            data={"tool": "Write", "input": {"file_path": "a.sql", "content": "DROP <all>"}},
        )
        await add_approval_link(connection, digest=digest("t" * 43), approval_id=call.id, channel=channel, person="Bo")
    assert "DROP &lt;all&gt;" in (await browser.get(f"/approve/{'t' * 43}")).text
    assert (await press(browser, "deny", "t" * 43)).status_code == 200
    assert (await decision(stage, call)).decision is Decision.DENIED
    assert (await stage.row(asked.adw_id)).status == "waiting"


async def test_it_works_once(stage: Stage, browser: httpx.AsyncClient, asked: Approval):
    await press(browser, "allow")
    for again in (await press(browser, "deny"), await press(browser, "allow"), await browser.get(f"/approve/{SECRET}")):
        assert again.status_code == 404
        assert "does not work any more" in again.text
    assert (await decision(stage, asked)).decision is Decision.ALLOWED


async def test_it_is_void_when_the_question_is_answered_elsewhere(
    stage: Stage, browser: httpx.AsyncClient, asked: Approval
):
    await stage.services.control.decide(str(asked.id), allow=False, actor="bob")
    assert (await browser.get(f"/approve/{SECRET}")).status_code == 404
    assert (await press(browser, "allow")).status_code == 404
    assert (await decision(stage, asked)).decided_by == "bob"


async def test_it_expires(stage: Stage, browser: httpx.AsyncClient, asked: Approval):
    async with stage.database.begin() as connection:
        left = text("SELECT expires_at - clock_timestamp() FROM approval_links")
        assert timedelta(hours=23) < (await connection.execute(left)).scalar_one() <= timedelta(hours=24)
        await connection.execute(text("UPDATE approval_links SET expires_at = expires_at - interval '25 hours'"))
    assert (await browser.get(f"/approve/{SECRET}")).status_code == 404
    assert (await press(browser, "allow")).status_code == 404
    assert (await decision(stage, asked)).decision is Decision.PENDING


async def test_it_ends_with_its_channel(stage: Stage, browser: httpx.AsyncClient, asked: Approval):
    await stage.http.delete("/api/notifications/channels/anns")
    assert (await press(browser, "allow")).status_code == 404
    assert (await decision(stage, asked)).decision is Decision.PENDING


async def test_what_is_made_up_leads_nowhere_and_is_soon_over(
    stage: Stage, browser: httpx.AsyncClient, asked: Approval
):
    async with stage.database.read() as connection:
        kept = (await connection.execute(text("SELECT digest FROM approval_links"))).scalar_one()
    for guess in ("guess", SECRET[:-1], str(asked.id), kept):
        assert (await browser.get(f"/approve/{guess}")).status_code == 404
        assert (await press(browser, "allow", guess)).status_code == 404
    stage.app.state.gate.links = PeerLimit(burst=2, per_minute=0.1)
    for _ in range(2):
        await press(browser, "allow", "guess")
    problem_of(await press(browser, "allow"), status=429, code="too_many_requests")
    assert (await decision(stage, asked)).decision is Decision.PENDING


@pytest.mark.parametrize("body", ["", "decision=", "decision=maybe", "decision=allow&decision=deny", "x=1", "\xff"])
async def test_another_form_decides_nothing(stage: Stage, browser: httpx.AsyncClient, asked: Approval, body: str):
    answer = await browser.post(f"/approve/{SECRET}", content=body.encode("latin-1"), headers=FORM)
    assert answer.status_code in {409, 422}
    assert answer.json()["code"] == "usage"
    assert (await decision(stage, asked)).decision is Decision.PENDING


async def test_a_link_opens_nothing_else(stage: Stage, browser: httpx.AsyncClient, asked: Approval):
    browser.headers["host"] = "127.0.0.1:8003"
    for path in (f"/api/approvals/{asked.id}/allow", f"/api/adw/workflows/{asked.adw_id}/pause"):
        problem_of(
            await browser.post(path, headers={"Authorization": f"Bearer {SECRET}"}),
            status=401,
            code="unauthenticated",
        )


async def test_from_the_question_to_the_answer(stage: Stage, browser: httpx.AsyncClient):
    """The notifier tells a receiver, who follows the link and presses the button."""
    bench = Bench(database=stage.database, public_url=URL)
    async with listening(HttpReceiver()) as receiver:
        await bench.rule(await bench.channel(receiver.url, person="Ann"), "approval_requested")
        adw_id = (await stage.work()).adw_id
        await stage.activate(adw_id)
        asked = await bench.ask(adw_id)
        await stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
        assert await bench.deliver() == 1
    (item,) = receiver.got[0].json["items"]
    assert (item["approval"]["id"], item["approval"]["decision"]) == (str(asked.id), "pending")
    link = item["approval"]["link"].removeprefix(URL)
    assert (await browser.get(link)).status_code == 200
    assert (await browser.post(link, content="decision=allow", headers=FORM)).status_code == 200
    assert (await stage.row(adw_id)).status == "active"
    assert stage.enqueuer.started
