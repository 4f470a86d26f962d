"""Git as this program uses it: explicit repositories, no foreign configuration, no code of the repository run."""

from __future__ import annotations

from adw.kit.git.access import Credential, RemoteAccess
from adw.kit.git.bare import BareRepository
from adw.kit.git.changes import TreeChange, parse_raw_changes
from adw.kit.git.diff import unified_diff
from adw.kit.git.fastforward import BaseUpdate, fast_forward_base
from adw.kit.git.lock import RepositoryLock
from adw.kit.git.person import PersonRepository
from adw.kit.git.publish import Publication, publish_branch
from adw.kit.git.remote import SyncedBase, create_remote, sync_remote_base
from adw.kit.git.retire import retire_branch
from adw.kit.git.runner import Git, GitCommandError, Identity
from adw.kit.git.squash import SquashResult, squash_merge

__all__ = [
    "BareRepository",
    "BaseUpdate",
    "Credential",
    "Git",
    "GitCommandError",
    "Identity",
    "PersonRepository",
    "Publication",
    "RemoteAccess",
    "RepositoryLock",
    "SquashResult",
    "SyncedBase",
    "TreeChange",
    "create_remote",
    "fast_forward_base",
    "parse_raw_changes",
    "publish_branch",
    "retire_branch",
    "squash_merge",
    "sync_remote_base",
    "unified_diff",
]
