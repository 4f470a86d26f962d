from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adw.forge.github.client.errors import as_error
from adw.forge.github.client.failures import Failure, FailureKind, classify
from adw.kit.errors import (
    AdwError,
    ConflictError,
    ForgeDeniedError,
    ForgeError,
    ForgeLimitError,
    NotFoundError,
    UsageError,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
RESET = str(int((NOW + timedelta(minutes=10)).timestamp()))
EXHAUSTED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": RESET}
PRIMARY = "API rate limit exceeded for user ID 1."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."
CASES: list[tuple[int, dict[str, str], str, FailureKind]] = [
    (403, EXHAUSTED, PRIMARY, FailureKind.PRIMARY_LIMIT),
    (429, EXHAUSTED, PRIMARY, FailureKind.PRIMARY_LIMIT),
    (403, {}, PRIMARY, FailureKind.PRIMARY_LIMIT),
    (403, EXHAUSTED, SECONDARY, FailureKind.SECONDARY_LIMIT),
    (403, {}, SECONDARY, FailureKind.SECONDARY_LIMIT),
    (429, {"retry-after": "30"}, "Slow down", FailureKind.SECONDARY_LIMIT),
    (429, {}, "Slow down", FailureKind.SECONDARY_LIMIT),
    (403, {"retry-after": "60"}, ABUSE, FailureKind.SECONDARY_LIMIT),
    (403, {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": RESET}, "Must have admin rights", FailureKind.DENIED),
    (403, EXHAUSTED, "Resource not accessible by integration", FailureKind.DENIED),
    (401, {}, "Bad credentials", FailureKind.UNAUTHENTICATED),
    (404, {}, "Not Found", FailureKind.NOT_FOUND),
    (410, {}, "Issues are disabled for this repo", FailureKind.GONE),
    (451, {}, "Repository access blocked", FailureKind.GONE),
    (405, {}, "Pull Request is not mergeable", FailureKind.NOT_ALLOWED),
    (409, {}, "Head branch was modified. Review and try the merge again.", FailureKind.CONFLICT),
    (422, {}, "Validation Failed", FailureKind.INVALID),
    (400, {}, "Problems parsing JSON", FailureKind.INVALID),
    (500, {}, "Server Error", FailureKind.SERVER),
    (502, {}, "", FailureKind.SERVER),
    (418, {}, "", FailureKind.UNEXPECTED),
]
ERRORS: dict[FailureKind, tuple[type[AdwError], bool]] = {
    FailureKind.PRIMARY_LIMIT: (ForgeLimitError, True),
    FailureKind.SECONDARY_LIMIT: (ForgeLimitError, True),
    FailureKind.UNAUTHENTICATED: (ForgeDeniedError, False),
    FailureKind.DENIED: (ForgeDeniedError, False),
    FailureKind.NOT_FOUND: (NotFoundError, False),
    FailureKind.GONE: (NotFoundError, False),
    FailureKind.NOT_ALLOWED: (ConflictError, False),
    FailureKind.CONFLICT: (ConflictError, False),
    FailureKind.INVALID: (UsageError, False),
    FailureKind.SERVER: (ForgeError, True),
    FailureKind.UNEXPECTED: (ForgeError, True),
}


@pytest.mark.parametrize(("status", "headers", "message", "kind"), CASES)
def test_refusals_are_told_apart(status: int, headers: dict[str, str], message: str, kind: FailureKind):
    body = json.dumps({"message": message}).encode() if message else b"<html>Unicorn!</html>"
    failure = classify(status=status, headers=headers, body=body, now=NOW)
    assert failure is not None
    assert (failure.kind, failure.status) == (kind, status)
    assert failure.message


def test_every_kind_of_refusal_has_a_case():
    assert {kind for *_, kind in CASES} == set(FailureKind) == ERRORS.keys()


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_refusal_becomes_an_error_of_ours(kind: FailureKind):
    error = as_error(Failure(kind=kind, status=400, message="because", until=NOW), what="do it")
    wanted, retryable = ERRORS[kind]
    assert type(error) is wanted
    assert error.retryable is retryable
    if isinstance(error, ForgeLimitError):
        assert error.until == NOW
        assert "2026-05-01 12:00:00 UTC" in error.message
    else:
        assert "because" in error.message


@pytest.mark.parametrize("status", [200, 201, 204, 301, 302, 304])
def test_what_is_no_refusal_is_none(status: int):
    assert classify(status=status, headers={}, body=b"", now=NOW) is None


def test_limits_tell_when_they_end():
    primary = classify(status=403, headers=EXHAUSTED, body=json.dumps({"message": PRIMARY}).encode(), now=NOW)
    secondary = classify(status=403, headers={"retry-after": "30"}, body=b"{}", now=NOW)
    unknown = classify(status=429, headers={}, body=b"{}", now=NOW)
    assert primary is not None
    assert secondary is not None
    assert unknown is not None
    assert (primary.until, secondary.until) == (NOW + timedelta(minutes=10), NOW + timedelta(seconds=30))
    assert unknown.until is None


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ([{"resource": "PullRequest", "field": "head", "code": "invalid"}], "PullRequest head invalid"),
        ([{"message": "A pull request already exists for o:b.", "code": "custom"}], "A pull request already exists"),
        (["Not possible"], "Not possible"),
        ("Draft pull requests are not supported", "Draft pull requests"),
        ([None, 3], "None"),
        ({"odd": 1}, "Validation Failed"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(errors: Any, said: str):
    body = json.dumps({"message": "Validation Failed", "errors": errors}).encode()
    failure = classify(status=422, headers={}, body=body, now=NOW)
    assert failure is not None
    assert said in str(failure)
    assert failure.says(said.lower())


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xfe", b"{", b'{"message": 3}', b'{"message": null}'])
def test_a_body_that_makes_no_sense_is_no_obstacle(body: bytes):
    failure = classify(status=500, headers={}, body=body, now=NOW)
    assert failure is not None
    assert failure.message == "GitHub answered 500"
