"""What the headers of an answer say: pages, allowances, waits, and a name for what was answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, urlsplit

_LINK = re.compile(r'<([^>]*)>\s*((?:;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s;,"]+)\s*)*)')
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
_LATEST_EPOCH_S = 2**37


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many requests are left until `resets_at`; `resource` is GitHub's name for what is counted.

    Enterprise servers, and GitHub long ago, may leave out the time.
    """

    remaining: int
    resets_at: datetime | None = None
    limit: int | None = None
    resource: str = "core"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadHeaders:
    """`links` are the addresses of other pages by relation (`next`, `last`, ...)."""

    links: Mapping[str, str]
    etag: str | None = None
    allowance: Allowance | None = None
    retry_after_s: float | None = None
    poll_interval_s: float | None = None


def read_headers(headers: Mapping[str, str], *, now: datetime) -> ReadHeaders:
    """Reads whatever is there and makes sense; names of headers must be in lower case or compare without it."""
    return ReadHeaders(
        links=read_links(headers.get("link")),
        etag=headers.get("etag") or None,
        allowance=_allowance(headers),
        retry_after_s=_retry_after(headers.get("retry-after"), now=now),
        poll_interval_s=_seconds(headers.get("x-poll-interval")),
    )


def read_links(link: str | None) -> Mapping[str, str]:
    """The addresses in a `Link` header by relation."""
    found: dict[str, str] = {}
    for match in _LINK.finditer(link or ""):
        for relation in _RELATION.finditer(match[2]):
            for name in (relation[1] or relation[2] or "").split():
                found.setdefault(name.lower(), match[1].strip())
    return found


def query_of(address: str) -> dict[str, str]:
    """The parameters of an address, the last of each name."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def _allowance(headers: Mapping[str, str]) -> Allowance | None:
    remaining, resets = _integer(headers.get("x-ratelimit-remaining")), _integer(headers.get("x-ratelimit-reset"))
    if remaining is None:
        return None
    return Allowance(
        remaining=remaining,
        resets_at=_moment(resets),
        limit=_integer(headers.get("x-ratelimit-limit")),
        resource=headers.get("x-ratelimit-resource") or "core",
    )


def _moment(epoch_s: int | None) -> datetime | None:
    return None if epoch_s is None or epoch_s > _LATEST_EPOCH_S else datetime.fromtimestamp(epoch_s, UTC)


def _retry_after(text: str | None, *, now: datetime) -> float | None:
    seconds = _seconds(text)
    if text is None or seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _seconds(text: str | None) -> float | None:
    number = _integer(text)
    return None if number is None else float(number)


def _integer(text: str | None) -> int | None:
    stripped = (text or "").strip()
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= 18 else None  # noqa: PLR2004 - fits 64 bits
