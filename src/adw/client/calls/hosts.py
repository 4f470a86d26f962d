"""Calls about the server and what it stands on."""

from __future__ import annotations

from adw.client import types as t
from adw.client.calls.call import Call


def health() -> Call[t.HealthDict]:
    return Call(method="GET", path="/health")


def ready() -> Call[t.ReadinessDict]:
    return Call(method="GET", path="/health/ready", also=503)


def worktrees() -> Call[t.WorktreeListDict]:
    return Call(method="GET", path="/api/worktrees")


def clean_worktrees(*, dry_run: bool) -> Call[t.CleanupDict]:
    return Call(method="POST", path="/api/worktrees/cleanup", body={"dryRun": dry_run})


def workers() -> Call[t.WorkerListDict]:
    return Call(method="GET", path="/api/workers")


def ports() -> Call[t.PortListDict]:
    return Call(method="GET", path="/api/ports")


def settings() -> Call[t.SettingListDict]:
    return Call(method="GET", path="/api/config")


def metrics() -> Call[str]:
    return Call(method="GET", path="/metrics", answer="text")
