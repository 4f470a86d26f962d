"""Reading history: commits, what lies between two of them, and what changed."""

from __future__ import annotations

import os
from dataclasses import dataclass

from adw.kit.git.runner import Git

_FORMAT = "%x1e%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"
_KINDS = {"A": "added", "D": "removed", "M": "modified", "T": "changed", "R": "renamed", "C": "copied"}
_LONGEST_PATCH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who made a commit, and when (ISO 8601)."""

    name: str
    email: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as git has it."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to one file. `patch` is None for binary and very large ones."""

    path: str
    status: str
    blob: str
    additions: int
    deletions: int
    patch: str | None
    previous: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How `head` stands to `base`; commits oldest first."""

    base: str
    head: str
    merge_base: str | None
    ahead: tuple[str, ...]
    behind_by: int


async def read_commits(git: Git, *shas: str) -> list[Commit]:
    """These commits, in this order."""
    if not shas:
        return []
    text = await git.text("show", "--no-patch", f"--format={_FORMAT}", *shas, "--")
    return [_commit(part) for part in text.split("\x1e")[1:]]


async def log(git: Git, *revisions: str, most: int = 250) -> list[Commit]:
    """Newest first."""
    text = await git.text("log", f"--format={_FORMAT}", f"--max-count={most}", *revisions, "--")
    return [_commit(part) for part in text.split("\x1e")[1:]]


async def compare(git: Git, *, base: str, head: str) -> Comparison:
    merge_base = (await git.run("merge-base", base, head, accept=(0, 1))).out.strip() or None
    ahead = (await git.text("rev-list", "--reverse", f"{base}..{head}")).split()
    behind = int(await git.text("rev-list", "--count", f"{head}..{base}"))
    return Comparison(base=base, head=head, merge_base=merge_base, ahead=tuple(ahead), behind_by=behind)


async def unified_diff(git: Git, *, base: str, head: str) -> str:
    return (await git.run("diff", "--no-color", "--no-ext-diff", "-M", base, head)).out


async def changes(git: Git, *, base: str, head: str) -> list[Change]:
    """What lies between two commits, by file."""
    raw = await _fields(git, "diff-tree", "-r", "-M", "-z", "--raw", "--no-abbrev", base, head)
    counts = await _counts(git, base, head)
    patches = _patches(await unified_diff(git, base=base, head=head))
    found: list[Change] = []
    while raw:
        _, _, _, blob, kind = raw.pop(0).split(" ")
        previous = raw.pop(0) if kind[0] in "RC" else None
        path = raw.pop(0)
        additions, deletions = counts.get(path, (0, 0))
        patch = patches.pop(0) if patches else None
        found.append(
            Change(
                path=path,
                status=_KINDS.get(kind[0], "changed"),
                blob=blob,
                additions=additions,
                deletions=deletions,
                patch=patch if patch and len(patch) <= _LONGEST_PATCH else None,
                previous=previous,
            )
        )
    return found


async def _counts(git: Git, base: str, head: str) -> dict[str, tuple[int, int]]:
    fields = await _fields(git, "diff-tree", "-r", "-M", "-z", "--numstat", base, head)
    found: dict[str, tuple[int, int]] = {}
    while fields:
        added, removed, path = fields.pop(0).split("\t")
        if not path:
            fields.pop(0)
            path = fields.pop(0)
        found[path] = (0, 0) if added == "-" else (int(added), int(removed))
    return found


async def _fields(git: Git, *args: str) -> list[str]:
    done = await git.run(*args)
    return [os.fsdecode(part) for part in done.stdout.split(b"\0") if part]


def _patches(diff: str) -> list[str | None]:
    """The hunks of each file in order; None where there are none."""
    found: list[str | None] = []
    for part in f"\n{diff}".split("\ndiff --git ")[1:]:
        start = part.find("\n@@ ")
        found.append(part[start + 1 :].rstrip("\n") if start >= 0 else None)
    return found


def _commit(text: str) -> Commit:
    sha, tree, parents, an, ae, ad, cn, ce, cd, body = text.split("\x1f", 9)
    return Commit(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Person(name=an, email=ae, date=ad),
        committer=Person(name=cn, email=ce, date=cd),
        message=body.strip("\n"),
    )
