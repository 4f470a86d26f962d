"""What workflows left: events, attempts, evidence, money, files, of the client for programs without an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Records(Connection):
    """What workflows left: events, attempts, evidence, money, files."""

    def events(self, adw_id: str, *, after: int = 0, limit: int = 200, types: Sequence[str] = ()) -> t.EventPageDict:
        """A page of events, oldest first."""
        return self.send(calls.records.events(adw_id, after=after, limit=limit, types=types))

    def phases(self, adw_id: str) -> t.PhaseListDict:
        """Every attempt at every phase."""
        return self.send(calls.records.phases(adw_id))

    def outputs(self, adw_id: str) -> t.OutputListDict:
        """The agents' conversations."""
        return self.send(calls.records.outputs(adw_id))

    def evidence(self, adw_id: str) -> t.EvidenceListDict:
        return self.send(calls.records.evidence(adw_id))

    def usage(self, adw_id: str) -> t.WorkflowUsageDict:
        return self.send(calls.records.usage(adw_id))

    def diff(self, adw_id: str) -> str:
        """What the workflow changes, as a unified diff."""
        return self.send(calls.records.diff(adw_id))

    def diff_stat(self, adw_id: str) -> t.DiffStatDict:
        """Which files it touches, and by how many lines."""
        return self.send(calls.records.diff_stat(adw_id))

    def transcript(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> t.TranscriptDict:
        """What agents said and did; all of them unless told otherwise."""
        return self.send(calls.records.transcript(adw_id, role=role, phase=phase))

    def transcript_markdown(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> str:
        """The same for people to read."""
        return self.send(calls.records.transcript_markdown(adw_id, role=role, phase=phase))

    def cost(self, by: t.CostBy = "workflow", *, since: str | None = None, limit: int = 100) -> t.CostTableDict:
        """What models cost, grouped; `since` is an ISO 8601 date or moment, UTC unless it says."""
        return self.send(calls.records.cost(by, since=since, limit=limit))

    def kpi(
        self, *, project: str | None = None, kind: str | None = None, since: str | None = None, limit: int = 20
    ) -> t.KpiTableDict:
        """How well work goes, by project and kind; `limit` is of the workflows told one by one."""
        return self.send(calls.records.kpi(project=project, kind=kind, since=since, limit=limit))

    def artifacts(self, adw_id: str) -> t.ArtifactListDict:
        return self.send(calls.records.artifacts(adw_id))

    def artifact(self, adw_id: str, name: str) -> bytes:
        return self.send(calls.records.artifact(adw_id, name))
