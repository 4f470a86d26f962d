"""Two runs side by side: what each cost and found, and how their results differ."""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.phase import EvidenceRow, PhaseRow
from adw.domain.usage import Usage
from adw.domain.workflow import Workflow
from adw.kit.errors import UsageError
from adw.ports.projects import ProjectAccess
from adw.store import phases, usage
from adw.store.db import Connection, Database
from adw.store.projects import get_project
from adw.store.workflows import require_workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run. `gates` are the latest results that count, `phases` all attempts."""

    workflow: Workflow
    usage: Usage
    phases: tuple[PhaseRow, ...]
    gates: tuple[EvidenceRow, ...]

    @property
    def head(self) -> str:
        return self.workflow.head_sha or self.workflow.base_sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`diff` is what turns the files of the first run's head into those of the second's."""

    first: Side
    second: Side
    diff: str


async def compare(database: Database, access: ProjectAccess, first: str, second: str) -> Comparison:
    """Raises UsageError for runs of different projects, NotFoundError when a head is not on the remote any more."""
    async with database.read() as connection:
        sides = [await _side(connection, adw_id) for adw_id in (first, second)]
        project = await get_project(connection, sides[0].workflow.project_id)
    one, two = sides
    if two.workflow.project_id != project.id:
        raise UsageError(
            f"{first} and {second} are runs of different projects", hint="compare runs of one, such as a fork's"
        )
    same = one.head == two.head
    diff = "" if same else await access.diff_between(project, before=one.head, after=two.head)
    return Comparison(first=one, second=two, diff=diff)


async def _side(connection: Connection, adw_id: str) -> Side:
    latest = {
        (row.phase, row.evidence.gate): row
        for row in await phases.list_evidence(connection, adw_id)
        if not row.superseded
    }
    return Side(
        workflow=await require_workflow(connection, adw_id),
        usage=await usage.usage_of_workflow(connection, adw_id),
        phases=tuple(await phases.list_phases(connection, adw_id)),
        gates=tuple(latest.values()),
    )
