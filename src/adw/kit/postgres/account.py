"""The operating system user that the server runs as. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adw.kit.errors import DatabaseError

_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user that exists already; none is ever created."""

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def run_options(self) -> dict[str, Any]:
        """Arguments for `subprocess.run` that start a program as this user."""
        return {} if self.is_ours else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, file: Path | int) -> None:
        """Makes this user the owner of a file or folder of ours, by path or descriptor. Links are not followed."""
        if isinstance(file, int):
            os.fchown(file, self.uid, self.gid)
        elif not self.is_ours and file.lstat().st_uid == os.geteuid():
            os.chown(file, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user may pass through a folder and all folders above it."""
        resolved = folder.resolve()
        return all(self._may_pass(part.stat()) for part in (resolved, *resolved.parents))

    def _may_pass(self, facts: os.stat_result) -> bool:
        if self.uid == 0:
            return True
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & stat.S_IXUSR)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & stat.S_IXGRP)
        return bool(facts.st_mode & stat.S_IXOTH)


def choose_account(*owned: Path) -> Account:
    """Ourselves; for root the owner of the first of the paths that is not root's, else an unprivileged user.

    Raises `DatabaseError` when there is no user PostgreSQL could run as.
    """
    if os.geteuid() != 0:
        return _account(os.geteuid())
    for path in owned:
        if path.exists() and path.stat().st_uid != 0:
            return _account(path.stat().st_uid)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise DatabaseError(
        "PostgreSQL does not run as root, and there is no user named " + " or ".join(_UNPRIVILEGED),
        hint="Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server",
    )


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise DatabaseError(
            f"User id {uid} has no name on this system, which PostgreSQL needs",
            hint="Add the user to /etc/passwd, or set DATABASE_URL to a PostgreSQL server",
        ) from None
    return Account(name=entry.pw_name, uid=uid, gid=entry.pw_gid)
