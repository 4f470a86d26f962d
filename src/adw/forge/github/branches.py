"""Branches of a repository on GitHub, and what lies on them."""

from __future__ import annotations

import re

from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.repository import RepositoryApi, read, segment
from adw.forge.github.slices.pulls import CompareSlice, RefSlice

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MISSING = frozenset({FailureKind.NOT_FOUND, FailureKind.GONE, FailureKind.CONFLICT, FailureKind.INVALID})
"""An empty repository has no refs and says so with a conflict."""


async def branch_head(api: RepositoryApi, branch: str) -> str | None:
    """The commit a branch is at, None when there is no such branch."""
    path = f"/git/ref/heads/{'/'.join(segment(part) for part in branch.split('/'))}"
    answer = await api.send("GET", path, what=f"look where {branch} is", accept=_MISSING)
    if answer.failure is not None or not isinstance(answer.json(), dict):
        return None
    found = read(RefSlice, answer.json())
    return found.object.sha or None if found.ref == f"refs/heads/{branch}" else None


async def is_on(api: RepositoryApi, *, sha: str, branch: str) -> bool:
    """Whether a commit is part of a branch; False for what is no commit, or unknown."""
    if _SHA.fullmatch(sha) is None:
        return False
    path = f"/compare/{sha}...{segment(branch)}"
    query = {"per_page": "1", "page": "2"}  # the second page leaves out the files
    answer = await api.send("GET", path, what=f"look for {sha[:12]} on {branch}", query=query, accept=_MISSING)
    if answer.failure is not None:
        return False
    return read(CompareSlice, answer.json()).status in {"ahead", "identical"}


async def both_changed(api: RepositoryApi, *, base: str, head_sha: str) -> tuple[str, ...]:
    """The files that both sides changed since they parted: GitHub does not say which of them conflict."""
    ours, theirs = await _changed(api, head_sha, base), await _changed(api, base, head_sha)
    return tuple(sorted(ours & theirs))


async def _changed(api: RepositoryApi, start: str, end: str) -> set[str]:
    path, what = f"/compare/{segment(start)}...{segment(end)}", "compare both sides"
    answer = await api.send("GET", path, what=what, accept=_MISSING)
    if answer.failure is not None:
        return set()
    files = read(CompareSlice, answer.json()).files
    return {name for file in files for name in (file.filename, file.previous_filename) if name}
