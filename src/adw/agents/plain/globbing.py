"""Finding files by name, without following links and in time that grows with the tree alone, not with the pattern."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

MAX_FOUND = 1000
_MAX_SEEN = 200_000
_UNSEARCHED = frozenset({".git"})


def find_files(start: Path, pattern: str, *, may_read: Callable[[Path], bool]) -> list[Path]:
    """Files below `start` whose relative path matches, the first thousand in order of their names."""
    parts = Path(pattern).parts
    found: list[Path] = []
    for seen, path in enumerate(_files_below(start)):
        if len(found) == MAX_FOUND or seen == _MAX_SEEN:
            break
        real = Path(os.path.realpath(path))  # unlike `resolve`, it gives some answer for links that go in circles
        if matches(path.relative_to(start).parts, parts) and may_read(real):
            found.append(path)
    return found


def split(pattern: str) -> tuple[str, str]:
    """The folders a pattern names outright, and the rest of it, which is matched."""
    parts = Path(pattern).parts
    fixed = next((index for index, part in enumerate(parts) if set(part) & set("*?[")), max(len(parts) - 1, 0))
    return str(Path(*parts[:fixed])), str(Path(*parts[fixed:]))


def matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a path matches a pattern; `reached` holds how many of its names each prefix of the pattern may use up."""
    reached = {0}
    for part in parts:
        if part == "**":
            reached = set(range(min(reached), len(names) + 1))
        else:
            reached = {used + 1 for used in reached if used < len(names) and fnmatchcase(names[used], part)}
        if not reached:
            return False
    return len(names) in reached


def _files_below(start: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(start):
        folders[:] = sorted(name for name in folders if name not in _UNSEARCHED)
        for name in sorted(files):
            yield Path(folder, name)
