"""Names for tests that stay the same from run to run, from folder to folder and from report to command line."""

from __future__ import annotations

import re
import shlex
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


def fill(template: str, *, test_id: str) -> str:
    """A command line that runs one test. `{name}` and `{leaf}` are regular expressions for its whole and last name.

    Between the parts of a name anything may stand: versions of the same runner differ there.
    """
    place, _, name = test_id.partition(SEPARATOR) if SEPARATOR in test_id else ("", "", test_id)
    values = {
        "{id}": shlex.quote(test_id),
        "{file}": shlex.quote(place),
        "{name}": shlex.quote(f"^{'.+'.join(map(_pattern, name.split(NESTED)))}$"),
        "{leaf}": shlex.quote(f"{_pattern(name.rpartition(NESTED)[2])}$"),
    }
    if not place:
        template = template.replace("{file} ", "")
    # In one pass, so that a test named "{file}" stays what it is.
    return re.sub(r"\{(?:id|file|name|leaf)\}", lambda match: values[match[0]], template)


def clean_text(text: str) -> str:
    """The text without what no database and no JSON document can hold."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def clip(text: str) -> str:
    """An error message without colours, short enough to be stored and sent to an agent."""
    plain = _ANSI.sub("", text).strip()
    if len(plain) <= _MAX_ERROR_CHARACTERS:
        return plain
    half = _MAX_ERROR_CHARACTERS // 2
    return f"{plain[:half]}\n... {len(plain) - 2 * half} characters left out ...\n{plain[-half:]}"


def _pattern(name: str) -> str:
    """A regular expression that needs no quoting in any shell; JavaScript counts UTF-16 units."""
    return "".join(
        c if c.isascii() and c.isalnum() else "." * (len(c.encode("utf-16-le", "replace")) // 2) for c in name
    )
