"""Mail as a mail server receives it, and what it may answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import MakeWorkflow
from tests.notify.receivers import SmtpReceiver, text_of
from tests.notify.stage import Bench

from adw.domain.channels import Address, Channel, ChannelKind
from adw.domain.events import EventType
from adw.domain.notification_text import Message, Told
from adw.domain.notifications import Digest
from adw.notify.mail import mail_of
from adw.store import notification_outbox as outbox

TOLD = Told(
    event="workflow_failed",
    adw_id="1a2b3c4d",
    seq=3,
    project="tally",
    issue_number=7,
    title="Totals",
    phase=None,
    message="",
    at=datetime(2026, 5, 4, tzinfo=UTC),
)


async def channel_at(bench: Bench, mailbox: SmtpReceiver, **changes: Any) -> Channel:
    address = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "sender": "adw@example.com",
        "recipients": ("ann@example.com", "bob@example.com"),
        "secret_env": None,
    }
    return await bench.channel(None, kind=ChannelKind.EMAIL, **address | changes)


async def test_a_question_arrives_as_mail_with_its_link(
    bench: Bench, mailbox: SmtpReceiver, make_workflow: MakeWorkflow
):
    await bench.rule(await channel_at(bench, mailbox, person="Ann"), "approval_requested")
    await bench.ask((await make_workflow(issue_title="Tötals\r\nBcc: eve@example.com")).adw_id, "is it right?")
    assert await bench.deliver() == 1
    (mail,) = mailbox.got
    (delivery,) = await bench.deliveries()
    assert mailbox.recipients == ["ann@example.com", "bob@example.com"]
    assert str(mail["subject"]).startswith("[adw] A decision is needed: tally #1 Tötals Bcc: eve@example.com (")
    assert (mail["bcc"], mail["from"], mail["auto-submitted"]) == (None, "adw@example.com", "auto-generated")
    assert (mail["message-id"], mail["x-adw-delivery"]) == (f"<{delivery.id}@example.com>", delivery.id)
    assert mail.get_content_type() == "text/plain"
    said = text_of(mail)
    assert "is it right?" in said
    assert "answer it here: https://adw.example.com/approve/" in said
    assert "adw approval allow" in said


async def test_a_digest_is_a_table(bench: Bench, mailbox: SmtpReceiver, make_workflow: MakeWorkflow):
    workflow = await make_workflow()
    await bench.rule(await channel_at(bench, mailbox), "ends", "pulls", digest=Digest(minutes=5))
    for event in (EventType.PULL_REQUEST_OPENED, EventType.WORKFLOW_COMPLETED):
        await bench.happen(workflow.adw_id, event, "told")
    await bench.deliver()
    bench.clock.pass_by(minutes=5)
    await bench.deliver()
    lines = text_of(mailbox.got[0]).splitlines()
    assert lines[0] == "2 events of 1 workflow"
    assert lines[2].split() == ["WHEN", "(UTC)", "WHAT", "RUN"]
    assert "Pull request opened" in lines[3]
    assert "Completed" in lines[4]
    assert workflow.adw_id in lines[4]


@pytest.mark.parametrize(
    ("refuses", "state", "error"),
    [
        ({"MAIL": "451 later"}, "waiting", "the mail server answered 451"),
        ({"MAIL": "550 never"}, "failed", "the mail server answered 550"),
        ({"RCPT": "550 nobody"}, "failed", "the mail server refused all recipients ([550])"),
        ({"DATA": "554 no"}, "failed", "the mail server answered 554"),
    ],
)
async def test_what_a_mail_server_answers_is_told(
    bench: Bench, mailbox: SmtpReceiver, refuses: dict[str, str], state: str, error: str
):
    mailbox.refuses = refuses
    channel = await channel_at(bench, mailbox)
    async with bench.database.begin() as connection:
        await outbox.add_test(connection, channel, now=bench.clock.now())
    await bench.deliver()
    (delivery,) = await bench.deliveries()
    assert (delivery.state, delivery.error) == (state, error)


async def test_without_encryption_no_password_is_sent(bench: Bench, mailbox: SmtpReceiver):
    """A server that offers none, or somebody between who says so."""
    mailbox.offers = ("AUTH PLAIN LOGIN",)
    channel = await channel_at(bench, mailbox, security="starttls", username="adw", secret_env="ADW_NOTIFY_MAIL")
    async with bench.database.begin() as connection:
        await outbox.add_test(connection, channel, now=bench.clock.now())
    await bench.deliver()
    (delivery,) = await bench.deliveries()
    assert delivery.state == "waiting"
    assert "SMTPNotSupportedError" in (delivery.error or "")
    assert [line for line in mailbox.said if line.startswith("AUTH")] == []


def test_no_header_can_be_slipped_in():
    address = Address(sender="adw@example.com", recipients=("ann@example.com",))
    told = replace(TOLD, title="x\nBcc: eve@example.com", project="y\r\nX: z")
    mail = mail_of(Message(delivery_id="d", channel="c", rule_id="r", told=[told]), address)
    head = mail.as_string().partition("\n\n")[0]
    assert [line for line in head.splitlines() if line.startswith(("Bcc", "X:"))] == []
