"""Text of strangers stays text: it mentions nobody, links nowhere, and cannot look like ours."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.conftest import MakeWorkflow
from tests.notify.receivers import HttpReceiver
from tests.notify.stage import Bench

from adw.domain.channels import ChannelKind
from adw.domain.events import EventType
from adw.domain.notification_text import Asked, Message, Told, one_line
from adw.notify.slack import escaped, slack_body

TOLD = Told(
    event="workflow_failed",
    adw_id="1a2b3c4d",
    seq=3,
    project="tally",
    issue_number=7,
    title="<!channel> <https://evil.example|Approve> @here [x](https://evil.example)",
    phase=None,
    message="the tests fail & more",
    at=datetime(2026, 5, 4, tzinfo=UTC),
)


def body(*told: Told, omitted: int = 0) -> dict[str, Any]:
    return json.loads(slack_body(Message(delivery_id="d", channel="t", rule_id="r", told=told, omitted=omitted)))


def test_text_of_strangers_becomes_neither_mention_nor_link():
    sent = body(TOLD)
    for trick in ("<!channel>", "<https", "@here", "://evil", "](http"):
        assert trick not in sent["text"]
    assert "&lt;!channel&gt;" in sent["text"]
    assert all(block["text"]["type"] == "plain_text" for block in sent["blocks"])
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)


def test_our_own_link_is_the_only_one():
    asked = Asked(id="a", kind="plan_approval", decision="pending", command="adw approval allow a", link="https://u/x")
    sent = body(replace(TOLD, asked=asked))
    marked = [block["text"]["text"] for block in sent["blocks"] if block["text"]["type"] == "mrkdwn"]
    assert marked == ["<https://u/x|Answer this>"]
    assert sent["text"].count("<") == 1
    for changed, words in (({"link": None}, "`adw approval allow a`"), ({"decision": "allowed"}, "already allowed")):
        assert words in str(body(replace(TOLD, asked=replace(asked, **changed))))


def test_it_keeps_to_what_slack_takes():
    sent = body(*([replace(TOLD, message="x" * 500)] * 50), omitted=7)
    assert len(sent["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in sent["blocks"])
    said = sent["blocks"][-1]["text"]["text"]
    told = sum(block["text"]["text"].startswith("Failed: ") for block in sent["blocks"])
    assert said == f"and {57 - told} more"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a\nb\r\n c", "a b c"),
        ("x\u202eexe.gpj\u200b", "x exe.gpj"),
        ("\x1b[31mred", "[31mred"),
        ("done\n\n<!-- adw:key=1a2b3c4d:x -->", "done"),
        ("long " * 100, "long long long long…"),
    ],
)
def test_text_is_cut_to_one_line_that_can_be_seen(given: str, shown: str):
    assert one_line(given, limit=20) == shown


def test_escaping_leaves_ordinary_words_alone():
    assert escaped("Totals are wrong, by 10%") == "Totals are wrong, by 10%"


async def test_a_message_arrives_at_an_address_that_is_itself_a_secret(
    bench: Bench, receiver: HttpReceiver, make_workflow: MakeWorkflow, capfd: pytest.CaptureFixture[str]
):
    bench.secrets["ADW_NOTIFY_TEAM"] = f"{receiver.url}/T0/SECRET"
    channel = await bench.channel(None, kind=ChannelKind.SLACK, url_env="ADW_NOTIFY_TEAM", secret_env=None)
    await bench.rule(channel, "ends")
    await bench.happen((await make_workflow()).adw_id, EventType.WORKFLOW_FAILED, "see <!here>")
    receiver.answers = ["404 Not Found"]
    await bench.deliver()
    assert receiver.got[0].line == "POST /hook/T0/SECRET HTTP/1.1"
    assert "x-adw-signature-256" not in receiver.got[0].headers
    assert "SECRET" not in str([channel, *await bench.deliveries()])
    assert "SECRET" not in "".join(capfd.readouterr())
