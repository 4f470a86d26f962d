"""What a forge says of a repository itself."""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.account import Permission
from adw.domain.forge import MergeMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryFacts:
    """`full_name` is `owner/name` as the forge spells it now, after renames too. `permission` is what we may do."""

    full_name: str
    default_branch: str
    permission: Permission = Permission.READ
    is_private: bool = False
    is_archived: bool = False
    is_fork: bool = False
    has_issues: bool = True
    can_auto_merge: bool = False
    methods: tuple[MergeMethod, ...] = ("squash",)
    """The ways of merging it allows."""
    url: str | None = None
