"""What a forge accepts as title, body, name: refused early, with a sentence that says which and why."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from adw.kit.errors import UsageError

MAX_TITLE_CHARS = 256
MAX_BODY_CHARS = 65_536
MAX_NAME_CHARS = 100
MAX_BRANCH_CHARS = 244


def check_title(title: str) -> str:
    """The title without surrounding white space; raises `UsageError` unless it is one line of 1 to 256 characters."""
    return _check_line(title, what="title", max_chars=MAX_TITLE_CHARS)


def check_name(name: str, *, what: str = "author") -> str:
    """The name of a person or label; raises `UsageError` unless it is one line of 1 to 100 characters."""
    return _check_line(name, what=what, max_chars=MAX_NAME_CHARS)


def check_branch(name: str) -> str:
    """The branch's name; raises `UsageError` when no branch can be called that. Whether it exists is not asked."""
    return _check_line(name, what="branch name", max_chars=MAX_BRANCH_CHARS)


def check_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The labels, each once, in the order given."""
    return tuple(dict.fromkeys(check_name(label, what="label") for label in labels))


def check_body(body: str, *, what: str = "body", required: bool = False) -> str:
    """The body unchanged; raises `UsageError` when it is too long, empty though required, or not storable as text."""
    _check_storable(body, what=what)
    if len(body) > MAX_BODY_CHARS:
        raise UsageError(
            f"the {what} has {len(body):,} characters, {MAX_BODY_CHARS:,} are allowed",
            hint="shorten it, or commit the long part as a file and refer to it",
        )
    if required and not body.strip():
        raise UsageError(f"the {what} is empty")
    return body


def _check_line(text: str, *, what: str, max_chars: int) -> str:
    _check_storable(text, what=what)
    line = text.strip()
    if not line:
        raise UsageError(f"the {what} is empty")
    if len(line) > max_chars:
        raise UsageError(f"the {what} has {len(line):,} characters, {max_chars} are allowed")
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in line):
        raise UsageError(f"the {what} must be one line without control characters")
    return line


def _check_storable(text: str, *, what: str) -> None:
    if "\0" in text:
        raise UsageError(f"the {what} contains a NUL character", hint="remove it; text cannot be stored with it")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise UsageError(f"the {what} contains half a character (a lone surrogate)", hint="send valid UTF-8")
