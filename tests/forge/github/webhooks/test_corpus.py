"""Recorded deliveries of all events: each is acted on, or ignored with a reason, and none passes for another event."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.corpora.npm import WEBHOOK_EXAMPLES, published

from adw.domain.notices import (
    CommentNotice,
    IssueNotice,
    PullRequestNotice,
    decode_notice,
    encode_notice,
    may_start_work,
)
from adw.domain.triggers import Outcome, Refused, Why
from adw.forge.github.webhooks import Envelope, decode, receive, sign
from adw.forge.github.webhooks.shapes import SHAPES

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "s3cret"
COUNT = 329
IGNORED = {Why.EVENT_NOT_USED, Why.ACTION_NOT_USED, Why.PING}


@pytest.fixture(scope="session")
def recorded(request: pytest.FixtureRequest) -> list[tuple[str, dict[str, Any]]]:
    assert request.config.cache is not None
    groups = json.loads(published(WEBHOOK_EXAMPLES, request.config.cache).read_text())
    return [(group["name"], example) for group in groups for example in group["examples"]]


def envelope(event: str, body: bytes, *, kind: str = "application/json", guid: str = "0" * 36) -> Envelope:
    return Envelope(
        body=body,
        signature=sign(body, secret=SECRET),
        content_type=kind,
        event=event,
        delivery_id=guid,
    )


def test_every_delivery_is_acted_on_or_ignored_with_a_reason(recorded):
    assert len(recorded) == COUNT
    found: Counter[str] = Counter()
    for event, payload in recorded:
        received = receive(envelope(event, json.dumps(payload).encode()), secret=SECRET, now=NOW)
        if received.notice is not None:
            assert decode_notice(encode_notice(received.notice)) == received.notice
            found[type(received.notice).__name__] += 1
        else:
            assert received.verdict is not None
            assert (received.verdict.outcome, received.verdict.why in IGNORED) == (Outcome.IGNORED, True), event
            found[str(received.verdict.why)] += 1
    assert found["IssueNotice"] >= 10
    assert found["PullRequestNotice"] >= 40
    assert found["ChecksNotice"] == 35
    assert found["CommentNotice"] == 5


def test_a_form_says_the_same_as_json(recorded):
    for event, payload in recorded[::7]:
        body = json.dumps(payload)
        plain = receive(envelope(event, body.encode()), secret=SECRET, now=NOW)
        form = urlencode({"payload": body}).encode()
        sent = receive(envelope(event, form, kind="application/x-www-form-urlencoded"), secret=SECRET, now=NOW)
        assert sent == plain


def test_no_body_passes_for_another_event_that_we_use(recorded):
    for event, payload in recorded:
        for other in SHAPES.keys() - {event}:
            with pytest.raises(Refused) as caught:
                decode(other, payload, now=NOW)
            assert caught.value.verdict.why == Why.WRONG_SHAPE, (event, other)


def test_a_body_that_was_cut_off_is_malformed_and_nothing_else(recorded):
    for index, (event, payload) in enumerate(recorded[::5]):
        body = json.dumps(payload).encode()
        cut = body[: (index * 997) % len(body)]
        received = receive(envelope(event, cut), secret=SECRET, now=NOW)
        assert received.verdict is not None
        assert received.verdict.why == Why.MALFORMED


def test_bodies_with_a_part_missing_or_of_another_type_are_never_an_internal_error(recorded):
    used = [(event, payload) for event, payload in recorded if event in SHAPES]
    odd = [None, 0, -1, 2**70, 1.5, True, "", "\x00", [], {}, [[]], {"a": {}}, "9" * 300]
    for index, (event, payload) in enumerate(used):
        for place, path in enumerate(_paths(payload)):
            changed = _changed(payload, path, odd[(index + place) % len(odd)])
            received = receive(envelope(event, json.dumps(changed).encode()), secret=SECRET, now=NOW)
            assert (received.notice is None) != (received.verdict is None)
            if received.notice is not None:
                assert received.notice.key
                encode_notice(received.notice)


def test_deliveries_say_who_did_it_and_where(recorded):
    for event, payload in recorded:
        try:
            notice = decode(event, payload, now=NOW)
        except Refused:
            continue
        assert notice.origin.repository == payload["repository"]["full_name"]
        assert notice.origin.sender.login == payload["sender"]["login"]
        assert notice.origin.sender.is_bot == (payload["sender"]["type"] == "Bot")


def test_only_opening_labelling_and_commenting_can_start_work(recorded):
    starting = set()
    for event, payload in recorded:
        try:
            notice = decode(event, payload, now=NOW)
        except Refused:
            continue
        if may_start_work(notice):
            starting.add((event, payload["action"]))
    assert starting == {("issues", "opened"), ("issues", "labeled"), ("issue_comment", "created")}


def test_a_comment_on_a_pull_request_is_known_as_one(recorded):
    [payload, *_] = [body for event, body in recorded if event == "issue_comment" and body["action"] == "created"]
    plain = decode("issue_comment", payload, now=NOW)
    assert isinstance(plain, CommentNotice)
    assert not plain.on_pull_request
    assert plain.issue is not None
    on_pull = {**payload, "issue": {**payload["issue"], "pull_request": {"url": "x"}}}
    found = decode("issue_comment", on_pull, now=NOW)
    assert isinstance(found, CommentNotice)
    assert found.on_pull_request
    edited = decode("issue_comment", {**on_pull, "action": "edited"}, now=NOW)
    assert isinstance(edited, PullRequestNotice)


def test_an_issue_that_is_closed_is_told(recorded):
    [payload, *_] = [body for event, body in recorded if event == "issues" and body["action"] == "reopened"]
    closed = {**payload, "action": "closed", "issue": {**payload["issue"], "state": "closed"}}
    notice = decode("issues", closed, now=NOW)
    assert isinstance(notice, IssueNotice)
    assert (notice.action, notice.issue.state) == ("closed", "closed")


def test_an_issue_without_text_or_author_is_one_all_the_same(recorded):
    [payload, *_] = [body for event, body in recorded if event == "issues" and body["action"] == "opened"]
    bare = {**payload, "issue": {**payload["issue"], "body": None, "user": None, "labels": []}}
    notice = decode("issues", bare, now=NOW)
    assert isinstance(notice, IssueNotice)
    assert (notice.issue.body, notice.issue.author.login) == ("", "ghost")


def _paths(payload: dict[str, Any]) -> list[tuple[str, ...]]:
    """What stands at the top, and one step below in what we read."""
    top = [(name,) for name in payload]
    inner = [
        (name, below)
        for name in ("issue", "comment", "pull_request", "repository", "sender", "label", "check_run", "workflow_run")
        if isinstance(payload.get(name), dict)
        for below in payload[name]
        if below in _READ
    ]
    return [*top, *inner]


_READ = frozenset(
    {
        *("number", "title", "body", "state", "user", "labels", "created_at", "updated_at", "id", "head", "login"),
        *("full_name", "name", "head_sha", "pull_request", "type", "head_branch", "check_suite"),
    }
)


def _changed(payload: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *rest = path
    inner = _changed(payload[name], tuple(rest), value) if rest else value
    return {**payload, name: inner}
