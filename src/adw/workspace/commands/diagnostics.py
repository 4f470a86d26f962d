"""Finds the complaints in what a build or lint command printed, in a form that survives edits elsewhere in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from adw.domain.checks import Diagnostic
from adw.workspace.commands.identity import Locator, without_colours

_MAX_DIAGNOSTICS = 2_000
_MAX_MESSAGE = 500
_MAX_LINE = 2_000
# `src/a.py:3:7: message`, `src/a.ts(3,7): message`, `src/a.ts:3:7 - message`; and as Go, Maven and Kotlin have it:
# `vet: a.go:3:7: message`, `[ERROR] A.java:[3,7] message`, `e: file:///A.kt:3:7 message`, `e: A.kt: (3, 7): message`
_ON_ONE_LINE = re.compile(
    r"(?:vet: |\[ERROR\] |e: (?:file://)?)?(?P<path>[^\s:()]+\.\w+|[^\s:()]*/[^\s:()]+)(?::\d+(?::\d+)?|:?\s?[(\[]\d+(?:,\s?\d+)?[)\]])\s*[:\-]?\s+(?P<text>\S.*)"
)
# A path on a line of its own, its complaints indented below: `  3:7  error  message`
_HEADING = re.compile(r"(?P<path>\S*[/.]\S+)$")
_BELOW_HEADING = re.compile(r"\s+\d+:\d+\s+(?P<text>\S.*)")
# Of rustc and clippy, with its place on one of the next lines; what has no place only counts the others.
_ABOVE_PLACE = re.compile(r"(?P<text>(?:error|warning)(?:\[\w+\])?: \S.*)")
_PLACE_BELOW = re.compile(r"\s*--> (?P<path>\S.*?):\d+:\d+$")
# Maven ends by saying everything once more.
_REPETITION = "[ERROR] Failed to execute goal"
_NUMBER = re.compile(r"\d+(\.\d+)?")
_SPACE = re.compile(r"\s+")


def find_diagnostics(output: str, *, root: Path) -> tuple[Diagnostic, ...]:
    """The complaints of a command that failed. Where no line looks like one, every line counts, numbers apart."""
    locator = Locator(root)
    lines = [line[:_MAX_LINE] for line in _without_root(without_colours(output), root).splitlines()]
    found = list(_located(lines, locator)) or [Diagnostic("", text) for line in lines if (text := _vague(line, root))]
    return tuple(found[:_MAX_DIAGNOSTICS])


def _located(lines: list[str], locator: Locator) -> Iterator[Diagnostic]:
    heading, above = "", ""
    repeated = next((number for number, line in enumerate(lines) if line.startswith(_REPETITION)), len(lines))
    for line in lines[:repeated]:
        if match := _ON_ONE_LINE.match(line):
            yield Diagnostic(_path(match["path"], locator), _message(match["text"]))
        elif match := _ABOVE_PLACE.match(line):
            above = match["text"]
        elif above and (match := _PLACE_BELOW.match(line)):
            yield Diagnostic(_path(match["path"], locator), _message(above))
            above = ""
        elif heading and (match := _BELOW_HEADING.match(line)):
            yield Diagnostic(heading, _message(match["text"]))
        elif match := _HEADING.match(line):
            heading = _path(match["path"], locator)


def _without_root(output: str, root: Path) -> str:
    """Folders may have names with spaces, and older versions of Gradle write a path right behind a task's name."""
    roots = "|".join(re.escape(str(name)) for name in dict.fromkeys([root.resolve(), root]))
    return re.sub(rf"(?m)^(:[\w:.-]+?)?(?P<before>\[ERROR\] |e: (?:file://)?)?(?:{roots})/", r"\g<before>", output)


def _path(text: str, locator: Locator) -> str:
    return locator.relative(text).removeprefix("./")


def _message(text: str) -> str:
    return _SPACE.sub(" ", text).strip()[:_MAX_MESSAGE]


def _vague(line: str, root: Path) -> str:
    """A line without what changes from run to run: folders and numbers."""
    without_root = line.replace(str(root.resolve()), ".").replace(str(root), ".")
    return _NUMBER.sub("N", _message(without_root))
