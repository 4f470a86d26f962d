"""Every table, gathered: importing this module makes the metadata complete."""

from __future__ import annotations

from adw.store.metadata import metadata
from adw.store.tables import (
    access,
    budgets,
    chat,
    free_agents,
    github,
    limits,
    local_forge,
    meta,
    notifications,
    orchestrator,
    replays,
    sessions,
    triggers,
    usage,
    watches,
    work,
    workers,
    workflows,
)

__all__ = [
    "access",
    "budgets",
    "chat",
    "free_agents",
    "github",
    "limits",
    "local_forge",
    "meta",
    "metadata",
    "notifications",
    "orchestrator",
    "replays",
    "sessions",
    "triggers",
    "usage",
    "watches",
    "work",
    "workers",
    "workflows",
]
