"""The addresses of the API; importing this package puts all of them on the list."""

from __future__ import annotations

from adw.forge.github_stand_in.routes import (
    accounts,
    actions,
    apps,
    branches,
    checks,
    commits,
    hooks,
    issues,
    labels,
    pulls,
    reviews,
    threads,
)

__all__ = [
    "accounts",
    "actions",
    "apps",
    "branches",
    "checks",
    "commits",
    "hooks",
    "issues",
    "labels",
    "pulls",
    "reviews",
    "threads",
]
