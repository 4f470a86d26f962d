"""Names for tests that stay the same from run to run, from folder to folder and from report to command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SEPARATOR = "::"
NESTED = " > "

_MAX_ERROR_CHARACTERS = 4_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Locator:
    """Makes paths relative to the project's root, whichever of its names a tool used."""

    root: Path

    def relative(self, text: str) -> str:
        """The text without the root in front of it. The base and the head lie in different folders."""
        for root in (self.root.resolve(), self.root):
            if text.startswith(f"{root}/"):
                return text[len(f"{root}/") :]
        return text


def join_id(place: str, name: str) -> str:
    """The id of a test in a file or class."""
    if not place or place == name:
        return name or place
    return f"{place}{SEPARATOR}{name}" if name else place


def split_id(test_id: str) -> tuple[str, str]:
    """The file or class of a test, empty if there is none, and its name there."""
    place, separator, name = test_id.partition(SEPARATOR)
    return (place, name) if separator else ("", test_id)


def clean_text(text: str) -> str:
    """The text without what no database and no JSON document can hold."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def without_colours(text: str) -> str:
    """The text without the codes that colour it on a terminal."""
    return _ANSI.sub("", text)


def clip(text: str) -> str:
    """An error message without colours, short enough to be stored and sent to an agent."""
    plain = without_colours(text).strip()
    if len(plain) <= _MAX_ERROR_CHARACTERS:
        return plain
    half = _MAX_ERROR_CHARACTERS // 2
    return f"{plain[:half]}\n... {len(plain) - 2 * half} characters left out ...\n{plain[-half:]}"
