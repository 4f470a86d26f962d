"""All routes, in the order in which they are matched."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from adw.api.routes import (
    analytics,
    approvals,
    artifacts,
    audit,
    budgets,
    changes,
    config,
    events,
    execute,
    health,
    hosts,
    issues,
    kpi,
    live,
    login,
    metrics,
    orchestrator,
    orders,
    projects,
    pulls,
    records,
    schedules,
    steering,
    tokens,
    transcripts,
    triggers,
    webhooks,
    workflows,
)

ROUTERS: Sequence[APIRouter] = (
    health.router,
    metrics.router,
    orders.router,
    execute.router,
    workflows.router,
    steering.router,
    events.router,
    live.router,
    records.router,
    changes.router,
    artifacts.router,
    transcripts.router,
    approvals.router,
    projects.router,
    budgets.router,
    issues.router,
    pulls.router,
    hosts.router,
    analytics.router,
    kpi.router,
    triggers.router,
    schedules.router,
    tokens.router,
    login.router,
    audit.router,
    config.router,
    orchestrator.router,
    webhooks.router,
)
