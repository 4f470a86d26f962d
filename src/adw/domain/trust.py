"""Who may start what. Asked of the person who acts, never of what a text claims or an event says in passing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from adw.domain.account import Account, Permission
from adw.domain.config import AuthorsTable, TriggersTable
from adw.domain.kinds import MERGING
from adw.domain.triggers import Outcome, Refused, Why

NEEDED = Permission.WRITE
"""What somebody nobody listed needs to start work, and what lets a text pass without containment."""
NEEDED_TO_MERGE = Permission.MAINTAIN

ASSOCIATIONS = {"OWNER": Permission.ADMIN, "MEMBER": Permission.WRITE, "COLLABORATOR": Permission.WRITE}
"""Names of how somebody belongs to a repository, and the permission each stands for in our lists."""
UNUSABLE_ASSOCIATIONS = frozenset({"CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "FIRST_TIMER", "MANNEQUIN", "NONE"})
"""Names no permission stands for; in our lists they mean nobody."""


class Tier(StrEnum):
    """How far somebody is trusted, from not at all."""

    BLOCKED = "blocked"
    STRANGER = "stranger"
    RESTRICTED = "restricted"
    TRUSTED = "trusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Somebody, and what the forge says they may do with the repository."""

    account: Account
    permission: Permission

    @property
    def login(self) -> str:
        return self.account.login


def tier_of(who: Standing, authors: AuthorsTable) -> Tier:
    """Blocked goes before trusted, trusted before restricted; who is on no list counts by permission."""
    if _is_listed(who, authors.blocked, downwards=True):
        return Tier.BLOCKED
    if _is_listed(who, authors.trusted):
        return Tier.TRUSTED
    if _is_listed(who, authors.restricted):
        return Tier.RESTRICTED
    return Tier.TRUSTED if who.permission.allows(NEEDED) else Tier.STRANGER


def is_named(account: Account, authors: AuthorsTable) -> bool:
    """Whether somebody is listed by login, as bots must be to be heard."""
    return any(_names(account, entry) for entry in (*authors.trusted, *authors.restricted))


def check_bot(account: Account, authors: AuthorsTable) -> None:
    """Raises Refused for a bot that nobody listed."""
    if account.is_bot and not is_named(account, authors):
        raise Refused(
            Why.BOT,
            f"{account.login} is a bot; list it in [triggers.authors] to let it start work",
            outcome=Outcome.IGNORED,
        )


def check_sender(who: Standing, authors: AuthorsTable) -> Tier:
    """How far somebody who wants to start work is trusted. Raises Refused when they may not at all."""
    tier = tier_of(who, authors)
    if tier is Tier.BLOCKED:
        raise Refused(Why.BLOCKED, f"{who.login} is blocked by [triggers.authors]")
    if tier is Tier.STRANGER:
        raise Refused(
            Why.NOT_PERMITTED,
            f"{who.login} has {who.permission} permission here; starting work needs {NEEDED}, "
            "or a place in [triggers.authors]",
        )
    return tier


def needs_containment(*, sender: Tier, author: Standing, authors: AuthorsTable) -> bool:
    """Whether the work may only be done shut in. Raises Refused when the author of its text is blocked."""
    tier = tier_of(author, authors)
    if tier is Tier.BLOCKED:
        raise Refused(Why.AUTHOR_BLOCKED, f"the issue was written by {author.login}, who is blocked")
    return Tier.RESTRICTED in {sender, tier} or tier is Tier.STRANGER


def check_kind(kind: str, *, who: Standing, triggers: TriggersTable) -> None:
    """Raises Refused for a kind that merges by itself, unless the project and the person's permission allow it."""
    if kind not in MERGING:
        return
    if not triggers.zte:
        raise Refused(Why.ZTE_OFF, f"`{kind}` merges by itself, which the project has not allowed with `zte = true`")
    listed = any(_names(who.account, entry) for entry in triggers.authors.trusted)
    if not listed and not who.permission.allows(NEEDED_TO_MERGE):
        raise Refused(
            Why.ZTE_NOT_PERMITTED,
            f"`{kind}` merges by itself; starting it needs {NEEDED_TO_MERGE} permission, or a login in "
            f"[triggers.authors] trusted, and {who.login} has {who.permission}",
        )


def permission_named(entry: str) -> Permission | None:
    """The permission an entry of a list stands for; None for a login, and for a name that means nobody."""
    if entry in ASSOCIATIONS:
        return ASSOCIATIONS[entry]
    return Permission(entry) if entry in set(Permission) else None


def _is_listed(who: Standing, entries: Iterable[str], *, downwards: bool = False) -> bool:
    """By login, or by permission: this one or more. `downwards`: this one or less. Bots only by login."""
    return any(_names(who.account, entry) or _covers(entry, who, downwards=downwards) for entry in entries)


def _covers(entry: str, who: Standing, *, downwards: bool) -> bool:
    named = permission_named(entry)
    if named is None or who.account.is_bot:
        return False
    return named.allows(who.permission) if downwards else who.permission.allows(named)


def _names(account: Account, entry: str) -> bool:
    """Logins may be written with `@`, and have to be where they would mean a permission otherwise.

    Whole ones: a person may be called like a bot without its `[bot]`.
    """
    if not entry.startswith("@") and (permission_named(entry) is not None or entry in UNUSABLE_ASSOCIATIONS):
        return False
    return account.login.lower() == entry.removeprefix("@").lower()
