"""What an answer that is no success means. GitHub tells its limits apart by wording and headers, not by status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import orjson

from adw.forge.github.client.headers import ReadHeaders, read_headers

_SECONDARY = re.compile(r"secondary rate limit|abuse detection|abuse.rate.limit|secondary-rate-limit", re.IGNORECASE)
_PRIMARY = re.compile(r"rate limit", re.IGNORECASE)
_MESSAGE_CHARS = 500
_FIRST_ERROR_STATUS = 400


class FailureKind(StrEnum):
    """How GitHub refuses or fails."""

    PRIMARY_LIMIT = "primary_limit"
    SECONDARY_LIMIT = "secondary_limit"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    GONE = "gone"
    NOT_ALLOWED = "not_allowed"
    CONFLICT = "conflict"
    INVALID = "invalid"
    SERVER = "server"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`message` is GitHub's, `errors` what it says is wrong with the request, each as one line."""

    kind: FailureKind
    status: int
    message: str
    errors: tuple[str, ...] = ()
    retry_after_s: float | None = None
    until: datetime | None = None
    """When a limit ends, as far as GitHub said."""

    @property
    def is_limit(self) -> bool:
        return self.kind in {FailureKind.PRIMARY_LIMIT, FailureKind.SECONDARY_LIMIT}

    def says(self, words: str) -> bool:
        """Whether GitHub's words contain these, in whatever case."""
        return words.lower() in " ".join((self.message, *self.errors)).lower()

    def __str__(self) -> str:
        details = "; ".join(error for error in self.errors if error != self.message)
        return f"{self.message}: {details}" if details else self.message


_BY_STATUS = {
    400: FailureKind.INVALID,
    401: FailureKind.UNAUTHENTICATED,
    403: FailureKind.DENIED,
    404: FailureKind.NOT_FOUND,
    405: FailureKind.NOT_ALLOWED,
    409: FailureKind.CONFLICT,
    410: FailureKind.GONE,
    413: FailureKind.INVALID,
    422: FailureKind.INVALID,
    451: FailureKind.GONE,
}


def classify(*, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Failure | None:
    """None for a success, a redirect or "not modified"."""
    if status < _FIRST_ERROR_STATUS:
        return None
    read, said = read_headers(headers, now=now), _said(body)
    message = _message(said) or f"GitHub answered {status}"
    kind = _limit(status, read, f"{message} {said.get('documentation_url', '')}") or _by_status(status)
    return Failure(
        kind=kind,
        status=status,
        message=message[:_MESSAGE_CHARS],
        errors=_errors(said.get("errors")),
        retry_after_s=read.retry_after_s,
        until=_until(kind, read, now=now),
    )


def _limit(status: int, read: ReadHeaders, text: str) -> FailureKind | None:
    if status not in {403, 429}:
        return None
    if _SECONDARY.search(text) is not None:
        return FailureKind.SECONDARY_LIMIT
    exhausted = read.allowance is not None and read.allowance.remaining == 0
    if exhausted and (status == 429 or _PRIMARY.search(text) is not None):  # noqa: PLR2004 - "too many requests"
        return FailureKind.PRIMARY_LIMIT
    if read.retry_after_s is not None or status == 429:  # noqa: PLR2004 - the same
        return FailureKind.SECONDARY_LIMIT
    return FailureKind.PRIMARY_LIMIT if text.startswith("API rate limit exceeded") else None


def _by_status(status: int) -> FailureKind:
    return _BY_STATUS.get(status) or (FailureKind.SERVER if status >= 500 else FailureKind.UNEXPECTED)  # noqa: PLR2004 - HTTP


def _until(kind: FailureKind, read: ReadHeaders, *, now: datetime) -> datetime | None:
    if kind is FailureKind.PRIMARY_LIMIT and read.allowance is not None:
        return read.allowance.resets_at
    if kind is FailureKind.SECONDARY_LIMIT and read.retry_after_s is not None:
        return now + timedelta(seconds=read.retry_after_s)
    return None


def _said(body: bytes) -> Mapping[str, Any]:
    try:
        said: Any = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        return {}
    return cast("Mapping[str, Any]", said) if isinstance(said, dict) else {}


def _message(said: Mapping[str, Any]) -> str:
    message = said.get("message")
    return message if isinstance(message, str) else ""


def _errors(errors: Any) -> tuple[str, ...]:
    if isinstance(errors, str):
        return (errors[:_MESSAGE_CHARS],)
    if not isinstance(errors, list):
        return ()
    return tuple(_error(error)[:_MESSAGE_CHARS] for error in cast("list[Any]", errors))


def _error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    said = cast("Mapping[str, Any]", error)
    if said.get("message"):
        return str(said["message"])
    return " ".join(str(said[name]) for name in ("resource", "field", "code", "value") if said.get(name) is not None)
