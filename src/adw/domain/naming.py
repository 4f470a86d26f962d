"""Names people will meet: branches, plan files, hidden refs. Text from an issue never passes unfiltered."""

from __future__ import annotations

import re
import unicodedata

MIN_PLAN_CHARS = 120
"""A shorter plan says nothing."""

_MAX_SLUG = 48
_MAX_TITLE = 72
_INVISIBLE = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def slugify(text: str, *, fallback: str = "work") -> str:
    """Lower-case ASCII words joined by hyphens, at most 48 characters, safe in a branch and a file name."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.lower())
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > _MAX_SLUG:
            break
        slug = longer
    return slug or (words[0][:_MAX_SLUG] if words else fallback)


def branch_name(*, issue_class: str, issue_number: int | None, adw_id: str, slug: str) -> str:
    return f"{issue_class}-issue-{issue_number or 0}-adw-{adw_id}-{slugify(slug)}"


def plan_path(*, issue_number: int | None, adw_id: str, slug: str) -> str:
    """Where the plan is written, relative to the workspace."""
    return f"specs/issue-{issue_number or 0}-adw-{adw_id}-{slugify(slug)}.md"


def title_of(text: str) -> str:
    """A one-line title for a sentence of any length, without characters that steer terminals or turn text around."""
    line = " ".join("".join(" " if c in _INVISIBLE or unicodedata.category(c) == "Cc" else c for c in text).split())
    return line if len(line) <= _MAX_TITLE else f"{line[: _MAX_TITLE - 1].rstrip()}…"
