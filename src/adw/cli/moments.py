"""Dates as they are typed."""

from __future__ import annotations

from datetime import datetime

from adw.kit.errors import UsageError


def read_moment(text: str | None) -> str | None:
    """What `--since` says, in ISO 8601; a moment without a zone is one of UTC. Raises UsageError for no date."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.strip()).isoformat()
    except ValueError as error:
        raise UsageError(f"{text!r} is not a date", hint="for example `--since 2026-05-01`") from error
