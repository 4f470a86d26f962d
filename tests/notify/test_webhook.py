"""From an event to a signed webhook, with what the other side and this machine may do wrong."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import pytest
from tests.conftest import Eventually, MakeWorkflow
from tests.notify.receivers import HttpReceiver
from tests.notify.stage import PUBLIC_URL, SECRETS, Bench

from adw.domain.approval import ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.store import approvals
from adw.store import notification_outbox as outbox
from adw.store.events import append_event
from adw.worker.notifier import keep_notifying


async def test_an_event_arrives_as_a_signed_webhook(bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow):
    workflow = await make_workflow()
    rule = await bench.rule(await bench.channel(receiver.url), "ends")
    await bench.happen(workflow.adw_id, EventType.PHASE_STARTED, "nobody asked for this")
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_FAILED, "the tests fail")
    assert await bench.deliver() == 1
    (got,) = receiver.got
    (delivery,) = await bench.deliveries()
    assert (delivery.state, delivery.attempt, delivery.items) == ("delivered", 1, 1)
    assert got.headers["x-adw-delivery"] == delivery.id
    said = got.headers["x-adw-timestamp"].encode() + b"." + got.body
    signed = hmac.new(SECRETS["ADW_NOTIFY_OPS"].encode(), said, hashlib.sha256).hexdigest()
    assert got.headers["x-adw-signature-256"] == f"sha256={signed}"
    assert got.line == "POST /hook HTTP/1.1"
    assert got.json["rule"] == rule.id
    (item,) = got.json["items"]
    assert (item["event"], item["adwId"], item["project"]) == ("workflow_failed", workflow.adw_id, "tally")
    assert "the tests fail" in item["message"]
    assert await bench.deliver() == 0, "each event is told once"


async def test_only_projects_of_the_rule_are_told(bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow):
    workflow = await make_workflow()
    for name, project in (("mine", workflow.project_id), ("others", "another")):
        await bench.rule(await bench.channel(receiver.url, name=name), "ends", project_ids=(project,))
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_COMPLETED)
    await bench.deliver()
    assert [got.json["channel"] for got in receiver.got] == ["mine"]


async def test_red_checks_are_told_as_such(bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "red_checks")
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_QUEUED, "a round", causes=["threads"])
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_QUEUED, "a round", causes=["checks", "threads"])
    assert await bench.deliver() == 1
    assert receiver.got[0].json["items"][0]["event"] == "red_checks"


async def test_what_happens_while_a_rule_is_off_is_never_told(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    rule = await bench.rule(await bench.channel(receiver.url), "pulls")
    await bench.switch(rule, on=False)
    await bench.happen(workflow.adw_id, EventType.PULL_REQUEST_OPENED)
    assert await bench.deliver() == 0
    await bench.switch(rule, on=True)
    await bench.happen(workflow.adw_id, EventType.PULL_REQUEST_MERGED)
    await bench.deliver()
    assert [got.json["items"][0]["event"] for got in receiver.got] == ["pull_request_merged"]


async def test_an_event_of_a_transaction_that_ends_late_is_told_too(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    early, late = await make_workflow(), await make_workflow(issue_number=2)
    await bench.rule(await bench.channel(receiver.url), "ends")
    async with bench.database.begin() as connection:
        await append_event(connection, late.adw_id, NewEvent(type=EventType.WORKFLOW_FAILED))
        await bench.happen(early.adw_id, EventType.WORKFLOW_FAILED)
        await bench.deliver()
    await bench.deliver()
    assert sorted(got.json["items"][0]["adwId"] for got in receiver.got) == sorted([early.adw_id, late.adw_id])


async def test_a_question_comes_with_a_link_for_its_person_or_with_a_command(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    for name, person in (("anns", "Ann"), ("nobodys", None)):
        await bench.rule(await bench.channel(receiver.url, name=name, person=person), "approval_requested")
    asked = await bench.ask(workflow.adw_id)
    money = await bench.ask(workflow.adw_id, "more?", kind=ApprovalKind.BUDGET)
    call = await bench.ask(workflow.adw_id, "May the planner use Bash: ls", kind=ApprovalKind.TOOL)
    await bench.deliver()
    found = {
        (got.json["channel"], item["approval"]["id"]): item["approval"]
        for got in receiver.got
        for item in got.json["items"]
    }
    link = found["anns", str(asked.id)]["link"]
    assert link.startswith(f"{PUBLIC_URL}/approve/")
    assert len(link.rpartition("/")[2]) >= 43
    assert found["nobodys", str(asked.id)]["link"] is None
    assert found["nobodys", str(asked.id)]["command"] == f"adw approval allow {str(asked.id)[:8]}"
    assert found["anns", str(money.id)]["link"] is None, "more money is never given by a click"
    assert found["anns", str(money.id)]["command"].endswith("--budget USD")
    assert found["anns", str(call.id)]["link"].startswith(f"{PUBLIC_URL}/approve/")


async def test_without_a_public_address_there_are_no_links(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    bench.public_url = None
    await bench.rule(await bench.channel(receiver.url, person="Ann"), "approval_requested")
    await bench.ask((await make_workflow()).adw_id)
    await bench.deliver()
    assert receiver.got[0].json["items"][0]["approval"]["link"] is None


async def test_a_question_that_was_answered_meanwhile_has_no_link(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow
):
    await bench.rule(await bench.channel(receiver.url, person="Ann"), "approval_requested")
    asked = await bench.ask((await make_workflow()).adw_id)
    async with bench.database.begin() as connection:
        await approvals.decide(
            connection, approval_id=asked.id, decision=Decision.ALLOWED, decided_by="bob", reason=None
        )
    await bench.deliver()
    told = receiver.got[0].json["items"][0]["approval"]
    assert (told["decision"], told["link"]) == ("allowed", None)


async def test_a_test_of_a_channel_says_that_it_is_one(bench: Bench, receiver: HttpReceiver):
    channel = await bench.channel(receiver.url)
    async with bench.database.begin() as connection:
        sent = await outbox.add_test(connection, channel, now=bench.clock.now())
    assert await bench.deliver() == 1
    assert receiver.got[0].json["isTest"] is True
    assert (await bench.deliveries())[0].state == "delivered"
    assert receiver.got[0].headers["x-adw-delivery"] == sent.id


async def test_a_worker_does_it_by_itself_until_it_is_stopped(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow, eventually: Eventually
):
    workflow = await make_workflow()
    await bench.rule(await bench.channel(receiver.url), "ends")
    await bench.happen(workflow.adw_id, EventType.WORKFLOW_COMPLETED)
    working = asyncio.create_task(keep_notifying(bench.notifier()))
    await eventually(lambda: receiver.got)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
