"""What a phase works with: its workflow, its steps, and the ways it may tell the world something.

A recovered leg replays: whatever decides which steps come next must be pinned at intake or be a step's recorded
result, never a fresh look at the world.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adw.domain.config import ProjectConfig
from adw.domain.events import EventType, NewEvent
from adw.domain.phase import Evidence, GateOutcome
from adw.domain.places import PRIVATE_FILES
from adw.domain.project import Project
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.ports.engine import JsonValue, Leg
from adw.ports.forge import Forge
from adw.ports.prompts import IssueText
from adw.ports.workspace import Workspace, WorkspaceSpec
from adw.store import approvals
from adw.store.db import Connection
from adw.store.events import FencedError, append_event
from adw.store.phases import record_evidence
from adw.store.workers import holds_lease
from adw.store.workflows import require_workflow, transition, update_workflow
from adw.workflows.endings import LegEnded, Question
from adw.workflows.services import Services

_LEASE_LOOK_S = 0.2

_GATE_EVENTS = {
    GateOutcome.PASSED: EventType.GATE_PASSED,
    GateOutcome.FAILED: EventType.GATE_FAILED,
    GateOutcome.NOT_APPLICABLE: EventType.GATE_PASSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One leg of one workflow, as its owner sees it."""

    services: Services
    leg: Leg
    workflow: Workflow
    """As it was when the leg began; read only what intake pinned."""
    project: Project
    config: ProjectConfig
    epoch: int
    opened: dict[WorkspaceSpec, Workspace] = field(default_factory=dict["WorkspaceSpec", "Workspace"])
    """Workspaces this leg has seen to by itself; a replay comes by each of its phases, and need not look every time."""

    @property
    def adw_id(self) -> str:
        return self.workflow.adw_id

    @property
    def issue(self) -> IssueText:
        workflow = self.workflow
        return IssueText(number=workflow.issue_number, title=workflow.issue_title, body=workflow.issue_body)

    @property
    def forge(self) -> Forge:
        return self.services.access.forge(self.project)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseContext:
    """One attempt at one phase."""

    run: Run
    phase: str
    attempt: int
    part: str = ""
    """Begins the names of steps that are taken before the phase itself starts."""

    @property
    def services(self) -> Services:
        return self.run.services

    @property
    def adw_id(self) -> str:
        return self.run.adw_id

    def spec(self, branch: str) -> WorkspaceSpec:
        """The workflow's workspace on its branch."""
        return WorkspaceSpec(
            adw_id=self.adw_id,
            repository=self.services.access.repository(self.run.project),
            branch=branch,
            base_sha=self.run.workflow.base_sha,
            private=(*PRIVATE_FILES, *self.run.config.env.copy_files),
        )

    async def step(self, name: str, work: Callable[[], Awaitable[JsonValue]]) -> Any:
        """Runs `work` at least once and gives its recorded result."""
        return await self.run.leg.step(self._name(name), work)

    async def transaction(self, name: str, work: Callable[[Connection], Awaitable[JsonValue]]) -> Any:
        """Runs `work` exactly once, its writes and its record in one commit."""
        return await self.run.leg.transaction(self._name(name), work)

    async def update(self, name: str, *, changes: Mapping[str, Any], event: NewEvent) -> None:
        """Changes columns of the workflow, once, with the event that tells of it."""

        async def work(connection: Connection) -> JsonValue:
            await update_workflow(connection, self.adw_id, changes=changes, event=event, owner_epoch=self.run.epoch)
            return None

        await self.transaction(name, work)

    async def tell(self, event: NewEvent) -> None:
        """Writes an event from inside a step; a repeated step tells it again."""
        async with self.services.database.begin() as connection:
            await append_event(connection, self.adw_id, event, owner_epoch=self.run.epoch)

    async def check_ownership(self) -> Workflow:
        """Read right before each effect on the outside: the workflow as it stands, if it is still ours to act for.

        Raises FencedError when another worker has it. While this worker's own lease has run out it waits: either the
        lease is renewed, or the workflow is taken over.
        """
        while True:
            async with self.services.database.read() as connection:
                workflow = await require_workflow(connection, self.adw_id)
                alive = await holds_lease(connection, worker_id=self.run.leg.executor_id)
            if workflow.owner_epoch != self.run.epoch:
                raise FencedError(f"workflow {self.adw_id} belongs to another worker now")
            if alive:
                return workflow
            await asyncio.sleep(_LEASE_LOOK_S)

    async def gate(self, found: Evidence) -> None:
        """Records a gate's result for its commit, with its event."""

        async def work(connection: Connection) -> JsonValue:
            fresh = await record_evidence(
                connection, adw_id=self.adw_id, phase=self.phase, attempt=self.attempt, found=found
            )
            if fresh:
                data = {"gate": found.gate, "outcome": found.outcome, "commit": found.commit, **found.data}
                event = NewEvent(type=_GATE_EVENTS[found.outcome], phase=self.phase, message=found.summary, data=data)
                await append_event(connection, self.adw_id, event, owner_epoch=self.run.epoch)
            return None

        await self.transaction(f"gate.{found.gate}.{found.commit[:12]}", work)

    async def require(self, question: Question) -> None:
        """Goes on if a person has allowed this; otherwise asks, lets the workflow wait and ends the leg."""

        async def work(connection: Connection) -> JsonValue:
            return await _ask(connection, self, question)

        if await self.transaction(f"ask.{question.key}", work) != "allowed":
            raise LegEnded(question.text, question=question)

    def question_key(self, question: Question) -> str:
        """Names the question within the workflow. A later attempt asks anew: what was denied can be asked again."""
        return self._name(question.key)

    def _name(self, name: str) -> str:
        return f"{self.phase}.{self.attempt}.{self.part}{name}"


async def _ask(connection: Connection, ctx: PhaseContext, question: Question) -> str:
    approval, is_new = await approvals.ask(
        connection,
        adw_id=ctx.adw_id,
        kind=question.kind,
        key=ctx.question_key(question),
        question=question.text,
        data=question.data,
    )
    if approval.decision == "allowed":
        return "allowed"
    if is_new:
        data = {"approvalId": str(approval.id), "kind": question.kind, **question.data}
        asked = NewEvent(type=EventType.APPROVAL_REQUESTED, phase=ctx.phase, message=question.text, data=data)
        await append_event(connection, ctx.adw_id, asked, owner_epoch=ctx.run.epoch)
    waiting = NewEvent(
        type=EventType.WORKFLOW_WAITING,
        phase=ctx.phase,
        message=f"waiting for a decision: {question.text}",
        data={"reason": question.reason, "approvalId": str(approval.id)},
    )
    await transition(
        connection,
        ctx.adw_id,
        to=Status.WAITING,
        event=waiting,
        changes={"wait_reason": question.reason.value},
        owner_epoch=ctx.run.epoch,
    )
    return "asked"
