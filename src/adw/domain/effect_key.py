"""Names for effects on a forge, and the hidden marker that carries such a name inside a text.

A forge that keeps no key of its own finds an earlier effect by its marker. Only the last line of a text counts, and
whoever looks one up must also check that the text was written with our credentials: people can type markers too.
"""

from __future__ import annotations

import re

from adw.kit.errors import UsageError

_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/@]|-(?!-)){0,199}")
_OPENING = "<!-- adw:key="
_LAST_LINE = re.compile(r"\n\n<!-- adw:key=(?P<key>[A-Za-z0-9._:/@-]*) -->\Z")


def check_key(key: str) -> str:
    """The key itself; raises `UsageError` unless it is 1 to 200 of `A-Z a-z 0-9 . _ : / @ -`, without `--`."""
    if _KEY.fullmatch(key) is None:
        raise UsageError(
            f"not a usable effect key: {key[:80]!r}",
            hint="use letters, digits and . _ : / @ - like 1a2b3c4d:ship:comment",
        )
    return key


def mark(body: str, *, key: str | None) -> str:
    """`body` with the marker of `key` as its last line.

    Without a key the text stays as it is, unless it holds marker syntax itself: then an empty marker is put last, so
    that nothing inside can be taken for ours.
    """
    if key is None and _OPENING not in body:
        return body
    return f"{body}\n\n{_OPENING}{'' if key is None else check_key(key)} -->"


def unmark(text: str) -> tuple[str, str | None]:
    """The text as a person should read it, and the key in its last line, if any."""
    text_with_lf = text.replace("\r\n", "\n")
    found = _LAST_LINE.search(text_with_lf)
    if found is None:
        return text, None
    return text_with_lf[: found.start()], found["key"] or None
