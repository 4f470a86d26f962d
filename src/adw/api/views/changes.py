"""Which files a unified diff touches and by how many lines, read from the diff itself: every forge gives one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from adw.api.wire import Wire

FileStatus = Literal["added", "modified", "deleted", "renamed", "copied"]

_FILE = "diff --git "
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_STATUSES: dict[str, FileStatus] = {
    "new file mode ": "added",
    "deleted file mode ": "deleted",
    "rename to ": "renamed",
    "copy to ": "copied",
}
_NAMES = ("rename to ", "copy to ", "+++ b/", "--- a/")
"""The lines that name the file, the best first; `/dev/null` has no such prefix."""


class ChangedFile(Wire):
    """One file. Binary ones have no lines."""

    path: str
    status: FileStatus
    additions: int
    deletions: int
    is_binary: bool


class DiffStat(Wire):
    """What a workflow changes, without the lines themselves; commits are null before the first one."""

    adw_id: str
    base: str
    head: str | None
    branch: str | None
    pr_number: int | None
    files: tuple[ChangedFile, ...]
    additions: int = Field(description="Lines, in all files")
    deletions: int


def changed_files(diff: str) -> tuple[ChangedFile, ...]:
    """The files of a diff as git writes it, in its order."""
    return tuple(_file(part) for part in _parts(diff))


@dataclass(slots=True)
class _Part:
    """The lines about one file: those that say what happens to it, and how many of the others there are."""

    head: list[str]
    additions: int = 0
    deletions: int = 0


def _parts(diff: str) -> Iterator[_Part]:
    """Lines of a hunk are counted down by its header, so that no content can pass for a header."""
    part: _Part | None = None
    old = new = 0
    for line in diff.split("\n"):
        sign = line[:1]
        if (old > 0 or new > 0) and part is not None and sign in {" ", "+", "-", "\\", ""}:
            part.additions += sign == "+"
            part.deletions += sign == "-"
            old -= sign in {" ", "-", ""}
            new -= sign in {" ", "+", ""}
        elif line.startswith(_FILE):
            if part is not None:
                yield part
            part = _Part([line])
        elif part is not None:
            hunk = _HUNK.match(line)
            if hunk:
                old, new = (int(count or 1) for count in hunk.groups())
            else:
                part.head.append(line)
    if part is not None:
        yield part


def _file(part: _Part) -> ChangedFile:
    told: list[FileStatus] = [
        status for line in part.head for prefix, status in _STATUSES.items() if line.startswith(prefix)
    ]
    return ChangedFile(
        path=_path(part.head),
        status=told[-1] if told else "modified",
        additions=part.additions,
        deletions=part.deletions,
        is_binary=any(line.startswith(("Binary files ", "GIT binary patch")) for line in part.head),
    )


def _path(head: list[str]) -> str:
    for prefix in _NAMES:
        for line in head[1:]:
            if line.startswith(prefix):
                return line.removeprefix(prefix).removesuffix("\t")
    names = head[0].removeprefix(_FILE)
    # Nothing but the first line names it: an empty, binary or only otherwise permitted file, twice the same name.
    half = names[: (len(names) - 1) // 2]
    return half.removeprefix("a/").removeprefix('"a/').removesuffix('"')
