"""From an event to a signed webhook, with what the other side and this machine may do wrong."""

from __future__ import annotations

import hashlib
import hmac

from tests.conftest import MakeWorkflow
from tests.notify.receivers import HttpReceiver
from tests.notify.stage import SECRETS, Bench

from adw.domain.events import EventType


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
