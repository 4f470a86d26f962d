"""What workflows left: events, attempts, evidence, money, files, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncRecords(AsyncConnection):
    """What workflows left: events, attempts, evidence, money, files."""

    async def events(
        self, adw_id: str, *, after: int = 0, limit: int = 200, types: Sequence[str] = ()
    ) -> t.EventPageDict:
        """A page of events, oldest first."""
        return await self.send(calls.records.events(adw_id, after=after, limit=limit, types=types))

    async def phases(self, adw_id: str) -> t.PhaseListDict:
        """Every attempt at every phase."""
        return await self.send(calls.records.phases(adw_id))

    async def outputs(self, adw_id: str) -> t.OutputListDict:
        """The agents' conversations."""
        return await self.send(calls.records.outputs(adw_id))

    async def evidence(self, adw_id: str) -> t.EvidenceListDict:
        return await self.send(calls.records.evidence(adw_id))

    async def usage(self, adw_id: str) -> t.WorkflowUsageDict:
        return await self.send(calls.records.usage(adw_id))

    async def diff(self, adw_id: str) -> str:
        """What the workflow changes, as a unified diff."""
        return await self.send(calls.records.diff(adw_id))

    async def diff_stat(self, adw_id: str) -> t.DiffStatDict:
        """Which files it touches, and by how many lines."""
        return await self.send(calls.records.diff_stat(adw_id))

    async def transcript(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> t.TranscriptDict:
        """What agents said and did; all of them unless told otherwise."""
        return await self.send(calls.records.transcript(adw_id, role=role, phase=phase))

    async def transcript_markdown(self, adw_id: str, *, role: str | None = None, phase: str | None = None) -> str:
        """The same for people to read."""
        return await self.send(calls.records.transcript_markdown(adw_id, role=role, phase=phase))

    async def cost(self, by: t.CostBy = "workflow", *, since: str | None = None, limit: int = 100) -> t.CostTableDict:
        """What models cost, grouped; `since` is an ISO 8601 date or moment, UTC unless it says."""
        return await self.send(calls.records.cost(by, since=since, limit=limit))

    async def kpi(
        self, *, project: str | None = None, kind: str | None = None, since: str | None = None, limit: int = 20
    ) -> t.KpiTableDict:
        """How well work goes, by project and kind; `limit` is of the workflows told one by one."""
        return await self.send(calls.records.kpi(project=project, kind=kind, since=since, limit=limit))

    async def artifacts(self, adw_id: str) -> t.ArtifactListDict:
        return await self.send(calls.records.artifacts(adw_id))

    async def artifact(self, adw_id: str, name: str) -> bytes:
        return await self.send(calls.records.artifact(adw_id, name))
