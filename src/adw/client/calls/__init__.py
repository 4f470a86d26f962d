"""Every route as a value. Both clients send these."""

from __future__ import annotations

from adw.client.calls import (
    access,
    budgets,
    chat,
    free_agents,
    hosts,
    notifications,
    projects,
    records,
    triggers,
    workflows,
)
from adw.client.calls.call import Call, Money

__all__ = [
    "Call",
    "Money",
    "access",
    "budgets",
    "chat",
    "free_agents",
    "hosts",
    "notifications",
    "projects",
    "records",
    "triggers",
    "workflows",
]
