"""All routes, in the order in which they are matched."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter

from adw.api.routes import approvals, events, health, hosts, issues, projects, pulls, records, workflows

ROUTERS: Sequence[APIRouter] = (
    health.router,
    workflows.router,
    events.router,
    records.router,
    approvals.router,
    projects.router,
    issues.router,
    pulls.router,
    hosts.router,
)
