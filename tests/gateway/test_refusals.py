from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adw.domain.limits import LimitKind
from adw.gateway.refusals import read_refusal

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
UNIFIED = "anthropic-ratelimit-unified-reset"
REQUESTS, TOKENS = "anthropic-ratelimit-requests", "anthropic-ratelimit-input-tokens"


@pytest.mark.parametrize(
    ("headers", "kind", "expected_s"),
    [
        ({"retry-after": "90"}, "rate_limit", 90),
        ({"retry-after": "0.5"}, "rate_limit", 0.5),
        ({"retry-after": "3600"}, "usage_limit", 3600),
        ({"retry-after": "Wed, 04 Mar 2026 05:07:07 GMT"}, "rate_limit", 60),
        ({UNIFIED: str(int(NOW.timestamp()) + 60)}, "usage_limit", 60),
        ({"retry-after": "10", UNIFIED: "1"}, "usage_limit", 10),
        ({f"{REQUESTS}-reset": "2026-03-04T05:06:37Z"}, "rate_limit", 30),
        ({f"{REQUESTS}-reset": "2026-03-04T05:06:37Z", f"{TOKENS}-reset": "2026-03-04T05:06:17Z"}, "rate_limit", 10),
        (
            {
                f"{REQUESTS}-reset": "2026-03-04T05:06:37Z",
                f"{REQUESTS}-remaining": "0",
                f"{TOKENS}-reset": "2026-03-04T05:06:17Z",
                f"{TOKENS}-remaining": "100",
            },
            "rate_limit",
            30,
        ),
        ({}, "rate_limit", None),
        ({"retry-after": "soon"}, "rate_limit", None),
        ({"retry-after": "nan"}, "rate_limit", None),
        ({"retry-after": "1e30"}, "rate_limit", None),
        ({"retry-after": "-1"}, "rate_limit", None),
        ({f"{REQUESTS}-reset": "later"}, "rate_limit", None),
    ],
)
def test_the_end_of_a_limit_is_read_off_a_refusal(headers, kind, expected_s):
    refused = read_refusal(429, httpx.Headers(headers), now=NOW)

    assert refused is not None
    assert refused.kind == kind
    assert refused.resets_at == (None if expected_s is None else NOW + timedelta(seconds=expected_s))


def test_overload_is_a_limit_of_its_own_kind():
    refused = read_refusal(529, httpx.Headers({"retry-after": "3"}), now=NOW)

    assert refused is not None
    assert (refused.kind, refused.resets_at) == (LimitKind.OVERLOADED, NOW + timedelta(seconds=3))


@pytest.mark.parametrize("status", [200, 400, 403, 500, 503])
def test_other_answers_speak_of_no_limit(status):
    assert read_refusal(status, httpx.Headers({UNIFIED: "9999999999", "retry-after": "9"}), now=NOW) is None
