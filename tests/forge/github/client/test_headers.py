from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adw.forge.github.client.headers import Allowance, read_headers, read_links

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        (None, {}),
        ("", {}),
        ("nonsense", {}),
        ('<https://a/x?page=2>; rel="next"', {"next": "https://a/x?page=2"}),
        ("<https://a/x?page=2>;rel=next", {"next": "https://a/x?page=2"}),
        (
            '<https://a/x?q=a,b;c&page=2>; rel="next", <https://a/x?page=9>; rel="last"',
            {"next": "https://a/x?q=a,b;c&page=2", "last": "https://a/x?page=9"},
        ),
        ('<https://a/1>; title="a, b"; rel="prev first"', {"prev": "https://a/1", "first": "https://a/1"}),
    ],
)
def test_links_are_read_by_relation(link: str | None, found: dict[str, str]):
    assert read_links(link) == found


def test_what_is_left_is_read_with_its_time():
    headers = {"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1777636800", "x-ratelimit-limit": "5000"}
    read = read_headers({**headers, "x-ratelimit-resource": "graphql", "etag": 'W/"a"'}, now=NOW)
    resets_at = datetime.fromtimestamp(1777636800, UTC)
    assert read.allowance == Allowance(remaining=12, resets_at=resets_at, limit=5000, resource="graphql")
    assert read.etag == 'W/"a"'


@pytest.mark.parametrize(("reset", "remaining"), [("soon", "5"), ("9" * 30, "5"), ("-1", "5"), (None, "5")])
def test_a_time_that_is_none_is_left_out(reset: str | None, remaining: str):
    headers = {"x-ratelimit-remaining": remaining} | ({} if reset is None else {"x-ratelimit-reset": reset})
    assert read_headers(headers, now=NOW).allowance == Allowance(remaining=5)


@pytest.mark.parametrize("remaining", ["", "many", "-3", "٣"])
def test_a_number_that_is_none_tells_nothing(remaining: str):
    assert read_headers({"x-ratelimit-remaining": remaining}, now=NOW).allowance is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60.0),
        ("0", 0.0),
        ("Fri, 01 May 2026 12:00:30 GMT", 30.0),
        ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_how_long_to_wait_is_a_number_or_a_date(text: str | None, seconds: float | None):
    assert read_headers({} if text is None else {"retry-after": text}, now=NOW).retry_after_s == seconds
