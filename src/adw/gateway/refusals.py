"""What the model API says of its limits when it refuses a request, read off status and headers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from adw.domain.limits import LimitKind

OVERLOADED_STATUS = 529
UNIFIED_RESET = "anthropic-ratelimit-unified-reset"
LONG_LIMIT_S = 600.0
"""A rate limit is over within minutes; what lasts longer is an allowance that is used up."""

_END_OF_TIME_S = 1e11
"""Later moments do not fit a date; an upstream that names one is not believed."""
_PREFIX, _SUFFIX = "anthropic-ratelimit-", "-reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A refusal because of a limit. `resets_at` is None where the model API did not say when it ends."""

    kind: LimitKind
    resets_at: datetime | None


def read_refusal(status: int, headers: httpx.Headers, *, now: datetime) -> Refused | None:
    """What an answer says of a limit; None when it is no such refusal."""
    if status == OVERLOADED_STATUS:
        return Refused(kind=LimitKind.OVERLOADED, resets_at=_retry_after(headers, now=now))
    if status != HTTPStatus.TOO_MANY_REQUESTS:
        return None
    resets_at = _retry_after(headers, now=now) or _epoch(headers.get(UNIFIED_RESET)) or _exhausted(headers)
    is_long = resets_at is not None and resets_at - now > timedelta(seconds=LONG_LIMIT_S)
    kind = LimitKind.USAGE_LIMIT if is_long or UNIFIED_RESET in headers else LimitKind.RATE_LIMIT
    return Refused(kind=kind, resets_at=resets_at)


def _retry_after(headers: httpx.Headers, *, now: datetime) -> datetime | None:
    """Seconds, or a date as HTTP writes it."""
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is not None:
        return now + timedelta(seconds=seconds)
    try:
        moment = parsedate_to_datetime(said) if said else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _epoch(text: str | None) -> datetime | None:
    """Subscriptions name the end of their usage limit in seconds since the epoch."""
    seconds = _number(text)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _exhausted(headers: httpx.Headers) -> datetime | None:
    """The latest end of the limits that have nothing left; where none says so, the earliest end there is."""
    ends = {name.removeprefix(_PREFIX).removesuffix(_SUFFIX): _moment(headers[name]) for name in _resets(headers)}
    used_up = [end for name, end in ends.items() if end and headers.get(f"{_PREFIX}{name}-remaining") == "0"]
    known = [end for end in ends.values() if end]
    if used_up:
        return max(used_up)
    return min(known, default=None)


def _resets(headers: httpx.Headers) -> Iterable[str]:
    return (name for name in headers if name.startswith(_PREFIX) and name.endswith(_SUFFIX) and name != UNIFIED_RESET)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < _END_OF_TIME_S else None
