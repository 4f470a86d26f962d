"""Calls that read what workflows left: events, attempts, evidence, money, files."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from adw.client import types as t
from adw.client.calls.call import Call, of_workflow


def events(adw_id: str, *, after: int, limit: int, types: Sequence[str]) -> Call[t.EventPageDict]:
    params = {"after": after, "limit": limit, "types": tuple(types)}
    return Call(method="GET", path=of_workflow(adw_id, "events"), params=params)


def stream_events(adw_id: str, *, after: int, types: Sequence[str]) -> Call[t.EventDict]:
    """Its answer is one event a line."""
    params = {"after": after, "types": tuple(types)}
    return Call(method="GET", path=of_workflow(adw_id, "events", "stream"), params=params)


def follow(adw_id: str, *, types: Sequence[str]) -> Call[t.EventDict]:
    """Its answer is server-sent events."""
    return Call(method="GET", path=of_workflow(adw_id, "events", "stream"), params={"types": tuple(types)})


def follow_all(*, types: Sequence[str]) -> Call[t.EventDict]:
    """The same, of all workflows."""
    return Call(method="GET", path="/api/events/stream", params={"types": tuple(types)})


def phases(adw_id: str) -> Call[t.PhaseListDict]:
    return Call(method="GET", path=of_workflow(adw_id, "phases"))


def outputs(adw_id: str) -> Call[t.OutputListDict]:
    return Call(method="GET", path=of_workflow(adw_id, "outputs"))


def evidence(adw_id: str) -> Call[t.EvidenceListDict]:
    return Call(method="GET", path=of_workflow(adw_id, "evidence"))


def usage(adw_id: str) -> Call[t.WorkflowUsageDict]:
    return Call(method="GET", path=of_workflow(adw_id, "usage"))


def diff(adw_id: str) -> Call[str]:
    return Call(method="GET", path=of_workflow(adw_id, "diff"), answer="text")


def diff_stat(adw_id: str) -> Call[t.DiffStatDict]:
    return Call(method="GET", path=of_workflow(adw_id, "diff", "stat"))


def transcript(adw_id: str, *, role: str | None, phase: str | None) -> Call[t.TranscriptDict]:
    params = {"role": role, "phase": phase, "format": "json"}
    return Call(method="GET", path=of_workflow(adw_id, "transcript"), params=params)


def transcript_markdown(adw_id: str, *, role: str | None, phase: str | None) -> Call[str]:
    params = {"role": role, "phase": phase, "format": "md"}
    return Call(method="GET", path=of_workflow(adw_id, "transcript"), params=params, answer="text")


def cost(by: t.CostBy, *, since: str | None, limit: int) -> Call[t.CostTableDict]:
    return Call(method="GET", path="/api/analytics/cost", params={"by": by, "since": since, "limit": limit})


def kpi(*, project: str | None, kind: str | None, since: str | None, limit: int) -> Call[t.KpiTableDict]:
    params = {"project": project, "kind": kind, "since": since, "limit": limit}
    return Call(method="GET", path="/api/analytics/kpi", params=params)


def artifacts(adw_id: str) -> Call[t.ArtifactListDict]:
    return Call(method="GET", path=of_workflow(adw_id, "artifacts"))


def artifact(adw_id: str, name: str) -> Call[bytes]:
    path = f"{of_workflow(adw_id, 'artifacts')}/{quote(name)}"
    return Call(method="GET", path=path, answer="bytes")
