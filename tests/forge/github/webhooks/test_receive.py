from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.notices import IssueNotice, PushNotice
from adw.domain.triggers import Outcome, Why
from adw.forge.github.webhooks import MAX_BYTES, Envelope, Received, is_signed, receive, sign

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECRET = "It's a Secret to Everybody"
FORM = "application/x-www-form-urlencoded"
REPOSITORY = {"full_name": "o/r"}
SENDER = {"login": "ann", "type": "User"}
ISSUE = {
    "number": 7,
    "title": "T",
    "body": "B",
    "state": "open",
    "user": SENDER,
    "labels": [{"name": "adw:sdlc"}],
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}
OPENED = {"action": "opened", "issue": ISSUE, "repository": REPOSITORY, "sender": SENDER}


def envelope(body: bytes | None = None, **changes: str | None) -> Envelope:
    content = json.dumps(OPENED).encode() if body is None else body
    whole = Envelope(
        body=content,
        signature=sign(content, secret=SECRET),
        content_type="application/json",
        event="issues",
        delivery_id="72d3162e-cc78-11e3-81ab-4c9367dc0958",
    )
    return replace(whole, **changes)


def received(given: Envelope, *, secret: str | None = SECRET) -> Received:
    return receive(given, secret=secret, now=NOW)


def why(given: Envelope, *, secret: str | None = SECRET) -> str:
    found = received(given, secret=secret)
    assert found.notice is None
    assert found.verdict is not None
    return str(found.verdict.why)


def test_the_published_example_of_a_signature_is_ours():
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_signed(b"Hello, World!", header=header, secret=SECRET)
    assert not is_signed(b"Hello, World?", header=header, secret=SECRET)


def test_a_signed_delivery_says_what_somebody_did():
    found = received(envelope())
    assert isinstance(found.notice, IssueNotice)
    assert (found.event, found.repository, found.sender) == ("issues.opened", "o/r", "ann")
    assert found.is_authentic


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 64,
        "757107ea",
        "sha256=\u00fc",
        "sha256=" + "0" * 9999,
    ],
)
def test_a_wrong_signature_is_refused_before_anything_is_read(signature: str | None):
    found = received(envelope(b"not even json", signature=signature))
    assert found.verdict is not None
    assert found.verdict.why == Why.BAD_SIGNATURE
    assert (found.guid, found.is_authentic) == (None, False)


def test_a_signature_by_another_secret_or_over_other_bytes_is_wrong():
    content = json.dumps(OPENED).encode()
    assert why(envelope(signature=sign(content, secret="other"))) == Why.BAD_SIGNATURE
    assert why(envelope(signature=sign(content + b" ", secret=SECRET))) == Why.BAD_SIGNATURE


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_everything_is_refused_and_the_variable_named(secret: str | None):
    found = received(envelope(signature=sign(envelope().body, secret="")), secret=secret)
    assert found.verdict is not None
    assert found.verdict.why == Why.NO_SECRET
    assert "GITHUB_WEBHOOK_SECRET" in found.verdict.detail


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/xml", "multipart/form-data", "application/json2"]
)
def test_other_encodings_are_named_and_refused(kind: str | None):
    assert why(envelope(content_type=kind)) == Why.UNKNOWN_ENCODING


def test_both_encodings_are_read_with_parameters_and_in_any_case():
    assert received(envelope(content_type="Application/JSON; charset=utf-8")).notice is not None
    form = urlencode({"payload": json.dumps(OPENED)}).encode()
    assert received(envelope(form, content_type=f"{FORM}; charset=utf-8")).notice == received(envelope()).notice


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"payload",
        b"payload=",
        b"payload=%7B",
        b"other=%7B%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=%7B%7D&a=b&c=d",
        b"payload=%7B%7D&x=",
        b"\xff\xfe",
        b"payload=%FF%FE",
    ],
)
def test_forms_that_are_none_are_malformed(form: bytes):
    assert why(envelope(form, content_type=FORM)) == Why.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"\xff{}",
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b'{"a": 1e999999}',
        b"\x00",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_one_json_object_is_malformed(body: bytes):
    assert why(envelope(body)) in {Why.MALFORMED, Why.WRONG_SHAPE}


def test_huge_numbers_are_no_numbers_of_issues():
    for number in ("9" * 5000, "-1", "0", "1.5", "true", '"7"', str(2**31)):
        body = json.dumps(OPENED).replace('"number": 7', f'"number": {number}').encode()
        assert why(envelope(body)) == Why.MALFORMED


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "now", "0", 0, 1e300, None]
)
def test_moments_beyond_reckoning_are_malformed(moment: object):
    body = json.dumps({**OPENED, "issue": {**ISSUE, "created_at": moment}}).encode()
    assert why(envelope(body)) == Why.MALFORMED


def test_the_headers_nobody_signs_are_checked_for_their_form():
    assert why(envelope(event=None)) == Why.NO_EVENT
    assert why(envelope(event="issues; DROP")) == Why.NO_EVENT
    assert why(envelope(delivery_id=None)) == Why.NO_DELIVERY_ID
    assert why(envelope(delivery_id="x\x00" * 20)) == Why.NO_DELIVERY_ID
    assert why(envelope(delivery_id="a" * 101)) == Why.NO_DELIVERY_ID


def test_a_body_under_another_events_name_is_refused():
    for event in ("issue_comment", "pull_request", "push", "status", "ping", "check_run"):
        assert why(envelope(event=event)) == Why.WRONG_SHAPE
    assert why(envelope(event="star")) == Why.EVENT_NOT_USED


def test_a_body_that_is_too_large_is_not_looked_at():
    assert why(envelope(b" " * (MAX_BYTES + 1), signature=None)) == Why.TOO_LARGE


def test_a_ping_is_well_taken():
    body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {}}).encode()
    found = received(envelope(body, event="ping"))
    assert found.verdict is not None
    assert (found.verdict.outcome, found.verdict.why) == (Outcome.IGNORED, Why.PING)


def test_a_branch_that_is_gone_has_no_commit_and_tags_are_none_of_ours():
    push = {"ref": "refs/heads/a/b", "before": "1" * 40, "after": "0" * 40, "commits": []}
    whole = {**push, "repository": REPOSITORY, "sender": SENDER}
    found = received(envelope(json.dumps(whole).encode(), event="push")).notice
    assert isinstance(found, PushNotice)
    assert (found.branch, found.sha) == ("a/b", None)
    assert why(envelope(json.dumps({**whole, "ref": "refs/tags/v1"}).encode(), event="push")) == Why.ACTION_NOT_USED


def test_bots_are_known_by_their_account():
    for sender, is_bot in (({"login": "x[bot]", "type": "User"}, True), ({"login": "x", "type": "Bot"}, True)):
        found = received(envelope(json.dumps({**OPENED, "sender": sender}).encode())).notice
        assert found is not None
        assert found.origin.sender.is_bot is is_bot


@given(st.binary(max_size=300))
def test_no_signed_bytes_are_an_internal_error(body: bytes):
    for kind in ("application/json", FORM):
        received(envelope(body, content_type=kind))
    received(envelope(b"payload=" + quote(body).encode(), content_type=FORM))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists, max_leaves=9))
def test_no_value_anywhere_is_an_internal_error(value: object):
    for part in ("issue", "sender", "repository", "action"):
        body = json.dumps({**OPENED, part: value}).encode()
        found = received(envelope(body))
        assert (found.notice is None) != (found.verdict is None)
