"""Every table, gathered: importing this module makes the metadata complete."""

from __future__ import annotations

from adw.store.metadata import metadata
from adw.store.tables import budgets, limits, local_forge, meta, orchestrator, sessions, usage, work, workers, workflows

__all__ = [
    "budgets",
    "limits",
    "local_forge",
    "meta",
    "metadata",
    "orchestrator",
    "sessions",
    "usage",
    "work",
    "workers",
    "workflows",
]
