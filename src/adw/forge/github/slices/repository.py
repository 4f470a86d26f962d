"""Repositories and accounts."""

from __future__ import annotations

from adw.forge.github.slices.base import GHOST, Slice, User


class PermissionsSlice(Slice):
    """What our credential may do."""

    admin: bool = False
    maintain: bool = False
    push: bool = False
    triage: bool = False
    pull: bool = False


_NONE = PermissionsSlice()


class RepositorySlice(Slice):
    """A repository. The ways of merging are shown only to those who may push."""

    full_name: str = ""
    default_branch: str = "main"
    private: bool = False
    archived: bool = False
    fork: bool = False
    has_issues: bool = True
    html_url: str | None = None
    permissions: PermissionsSlice = _NONE
    allow_squash_merge: bool = True
    allow_merge_commit: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = False


class PermissionSlice(Slice):
    """What an account may do; `role_name` is finer and may be a role somebody defined."""

    permission: str = "none"
    role_name: str = ""
    user: User = GHOST


class AppSlice(Slice):
    """A GitHub App."""

    slug: str = ""
