"""Reads what `git diff-tree -z` prints: names may hold spaces, newlines and any bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeChange:
    """`letter` is A, M, D or T."""

    path: str
    letter: str


def parse_raw_changes(output: bytes) -> list[TreeChange]:
    """The output of `diff-tree --raw -z --no-renames`: a header and a name by turns."""
    fields = output.split(b"\0")[:-1]
    return [
        TreeChange(path=os.fsdecode(name), letter=header.split(b" ")[-1].decode()[:1])
        for header, name in zip(fields[::2], fields[1::2], strict=True)
    ]


def parse_numstat(output: bytes) -> list[tuple[int, int]]:
    """Added and deleted lines for each file of `diff-tree --numstat -z --no-renames`; binary files have none."""
    sizes: list[tuple[int, int]] = []
    for line in output.split(b"\0")[:-1]:
        added, deleted, _ = line.split(b"\t", 2)
        sizes.append((_count(added), _count(deleted)))
    return sizes


def names(output: bytes) -> list[bytes]:
    """A list of names ended by NUL."""
    return [name for name in output.split(b"\0") if name]


def _count(field: bytes) -> int:
    return 0 if field == b"-" else int(field)
