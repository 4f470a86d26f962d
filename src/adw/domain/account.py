"""Who somebody is on a forge, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of a forge; logins compare without regard to case."""

    login: str
    is_bot: bool = False

    def is_same(self, login: str) -> bool:
        """Apps write as `name[bot]` and are spoken of as `name`."""
        return _plain(self.login) == _plain(login)


class Permission(StrEnum):
    """What an account may do with a repository, from nothing to everything."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        return list(Permission).index(self)

    def allows(self, wanted: Permission) -> bool:
        return self.rank >= wanted.rank


def _plain(login: str) -> str:
    return login.lower().removesuffix("[bot]")
