"""Identifiers of rows, as other parts hand them in: text."""

from __future__ import annotations

from adw.kit.errors import NotFoundError

_MOST_DIGITS = 18
"""What fits a bigint for certain."""


def row_id(text: str, *, what: str) -> int:
    """Raises `NotFoundError` for what cannot be one."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFoundError(f"there is no {what} {text[:40]!r} in this project")
    return int(text)
