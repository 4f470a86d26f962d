"""Wraps text we did not write so that it cannot pretend to end early and speak in our name."""

from __future__ import annotations

import hashlib

_MARK_LENGTH = 12


def fence(text: str, *, label: str) -> str:
    """The text between tags that do not occur in it. The same text always gets the same tags."""
    tag = f"untrusted-{label}-{_mark(text)}"
    return f"<{tag}>\n{text.rstrip()}\n</{tag}>"


def _mark(text: str, *, length: int = _MARK_LENGTH) -> str:
    """Derived from the text, hence stable, and derived again for as long as the text contains it, hence unforgeable."""
    lowered = text.lower()
    digest = _digest(text)
    while digest[:length] in lowered:
        digest = _digest(f"{digest}{text}")
    return digest[:length]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
