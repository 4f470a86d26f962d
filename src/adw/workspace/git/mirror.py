"""A project's mirror: the commits of all its workflows, in a bare repository that is ours.

Refs: `refs/heads/<branch>` of each workflow, and below `refs/adw/<id>/`: `anchor` (the last commit we made, pushed or
started from), `wip` (the last snapshot), `base`, and what was seen on the remote.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from adw.kit.errors import GitError
from adw.kit.git.access import RemoteAccess
from adw.kit.git.bare import BareRepository
from adw.kit.git.lock import RepositoryLock
from adw.kit.git.runner import Git, GitCommandError
from adw.kit.git.transfer import bring, fetch, remote_refs
from adw.kit.log import get_logger
from adw.workspace.git.trash import throw_away

_STALE_LOCK_S = 3.0
_MOST_REPAIRS = 50
_BROKEN_REGISTRATION = re.compile(r"worktrees/([^/\s]+)/(?:HEAD|commondir|gitdir)")
_log = get_logger("workspace.git")


class Mirror:
    """Everything that changes metadata happens under `lock`."""

    def __init__(self, path: Path, *, access: RemoteAccess | None) -> None:
        self.bare = BareRepository(path=path)
        self.lock = RepositoryLock(path.parent / "lock")
        self._access = access

    @property
    def git(self) -> Git:
        """The mirror, with its settings put right first."""
        if self.bare.exists() and self.bare.enforce():
            _log.warning("foreign_settings_removed", repository=str(self.bare.path))
        return self.bare.git

    async def create(self, *, like: str) -> None:
        async with self.lock:
            await self.bare.create(like=like)

    async def bring(self, sha: str, *, sources: Sequence[Path | str]) -> None:
        """Makes a commit available here."""
        if await self.git.has(sha):
            return
        async with self.lock:
            await self._healing(lambda: bring(self.git, sha, sources=sources, access=self._access))

    async def look(self, remote: Path | str, *, names: Mapping[str, str]) -> dict[str, str]:
        """Fetches those refs (remote name -> name here) that the remote has; returns the commits by remote name."""
        found = await remote_refs(self.git, remote, names=tuple(names), access=self._access)
        missing = [
            f"+{name}:{names[name]}" for name, sha in found.items() if await self.git.resolve(names[name]) != sha
        ]
        if missing:
            async with self.lock:
                await self._healing(lambda: fetch(self.git, remote, *missing, access=self._access))
        return found

    async def set_refs(self, refs: Mapping[str, str]) -> None:
        """Sets refs to commits, all or none."""
        lines = "".join(f"update {name} {sha}\n" for name, sha in refs.items())
        async with self.lock:
            try:
                await self.git.run("update-ref", "--stdin", stdin=lines.encode())
            except GitCommandError as error:
                if ".lock': File exists" not in error.stderr:
                    raise
                await self._wait_for_stale_locks()
                await self.git.run("update-ref", "--stdin", stdin=lines.encode())

    async def drop_refs(self, *, prefix: str) -> None:
        """Deletes all refs below a prefix here; their commits stay for two weeks."""
        async with self.lock:
            found = (await self.git.text("for-each-ref", "--format=delete %(refname)", prefix)).encode()
            await self.git.run("update-ref", "--stdin", stdin=found + b"\n" if found else b"")

    async def _healing(self, transfer: Callable[[], Awaitable[None]]) -> None:
        """A registration whose HEAD names no commit (a killed or hostile git) would break every fetch here."""
        for _ in range(_MOST_REPAIRS):
            try:
                return await transfer()
            except GitCommandError as error:
                broken = _BROKEN_REGISTRATION.search(error.stderr)
                if broken is None:
                    raise
                _log.warning("broken_registration_removed", repository=str(self.bare.path), name=broken[1])
                throw_away(self.bare.path / "worktrees" / broken[1], trash=self.bare.path.parent / "trash")
        return await transfer()

    async def _wait_for_stale_locks(self) -> None:
        """A killed git leaves its lock files behind. We hold the only lock that counts, so old ones have no owner."""
        deadline = time.monotonic() + 2 * _STALE_LOCK_S
        while time.monotonic() < deadline:
            if not clear_stale_locks(self.bare.path, older_than_s=_STALE_LOCK_S):
                return
            await asyncio.sleep(0.1)
        raise GitError(f"Another program holds a lock in {self.bare.path}", hint="Retry when no other git runs there")


def clear_stale_locks(repository: Path, *, older_than_s: float) -> int:
    """Removes lock files of refs that are older than that; returns how many younger ones remain."""
    young = 0
    for path in [*repository.glob("*.lock"), *(repository / "refs").rglob("*.lock")]:
        if time.time() - path.lstat().st_mtime < older_than_s:
            young += 1
        else:
            path.unlink(missing_ok=True)
    return young
