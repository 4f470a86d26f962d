"""Texts on their way to GitHub: marked with the effect's key, and cut where GitHub would refuse their length."""

from __future__ import annotations

from adw.domain.effect_key import mark, unmark
from adw.domain.forge_text import MAX_BODY_CHARS, check_body

_NOTE = "\n\n*(cut here: GitHub takes no longer text)*"


def outgoing(body: str, *, key: str | None, what: str = "body", required: bool = False) -> str:
    """`body` as it is sent. Raises `UsageError` for text that cannot be stored, or is empty though required."""
    check_body(body[:MAX_BODY_CHARS], what=what, required=required)
    marked = mark(body, key=key)
    over = len(marked) - MAX_BODY_CHARS
    if over <= 0:
        return marked
    kept = _whole(body[: len(body) - over - len(_NOTE)])
    return mark(f"{kept}{_NOTE}", key=key)


def as_read(sent: str) -> str:
    """What a text of ours looks like when it comes back."""
    return unmark(sent)[0]


def same_text(one: str, other: str) -> bool:
    """GitHub may change how lines end, and the white space around a text."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _whole(text: str) -> str:
    """A fence of code that the cut left open is closed."""
    return f"{text[:-4]}\n```" if text.count("```") % 2 else text
