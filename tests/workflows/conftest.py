from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from adw.agents.prompts import AgentPrompts
from adw.agents.scripted import ScriptedReply, ScriptedRuntime
from adw.domain.agent import Role
from adw.domain.config import ProjectConfig
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import Phase
from adw.domain.limits import Limit
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.ports.gateway import GatewayVerdict, RunGrant
from adw.ports.prompts import Prompt
from adw.store.db import Database
from adw.store.events import get_workflow_events
from adw.store.projects import get_project
from adw.store.workers import NewWorker, register_worker
from adw.store.workflows import begin_leg, claim_ownership, require_workflow, transition
from adw.workflows.context import PhaseContext, Run
from adw.workflows.conversation import EDITOR, NO_TOOLS, Conversation
from adw.workflows.services import Services
from adw.workspace.sandbox import HostContainment


class MemoryLeg:
    """Implements `adw.ports.engine.Leg`: records results, and gives them again to whoever replays."""

    executor_id = "worker-1"

    def __init__(self, database: Database, *, run_id: str, records: dict[str, Any] | None = None) -> None:
        self._database = database
        self.run_id = run_id
        self.records = {} if records is None else records

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        if name not in self.records:
            self.records[name] = await work()
        return self.records[name]

    async def transaction(self, name: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
        if name not in self.records:
            async with self._database.begin() as connection:
                self.records[name] = await work(connection)
        return self.records[name]


@dataclass(slots=True)
class MemoryGateway:
    """Implements `adw.ports.gateway.ModelGateway`."""

    url: str = "http://127.0.0.1:9"
    door: Any = None
    says: GatewayVerdict = field(default_factory=GatewayVerdict)
    limit: Limit | None = None
    grants: list[RunGrant] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)

    def admit(self, grant: RunGrant) -> str:
        self.grants.append(grant)
        return f"token-{len(self.grants)}"

    def revoke(self, token: str) -> None:
        self.revoked.append(token)

    async def limit_on(self, model: str) -> Limit | None:  # noqa: ARG002 # it holds for all
        return self.limit

    def verdict(self, agent_run_id: str) -> GatewayVerdict:
        assert self.grants[-1].agent_run_id == agent_run_id
        return self.says


@dataclass(slots=True)
class MemoryWorkspace:
    """The part of `adw.ports.workspace.Workspace` that conversations use; `calls` keeps the order of things."""

    path: Path
    calls: list[str] = field(default_factory=list)
    changes: str = ""

    @property
    def git_folder(self) -> Path:
        return self.path / "git"

    async def reset(self, sha: str) -> None:
        self.calls.append(f"reset {sha}")

    async def status(self) -> str:
        return " M tally/statement.py"

    async def diff(self, *, base: str, head: str | None = None) -> str:
        assert (base, head) == ("c0", None)
        return self.changes

    async def snapshot(self, *, label: str) -> str:
        self.calls.append(f"snapshot {label}")
        return f"snapshot-{len(self.calls)}"


@dataclass(slots=True)
class Play:
    """A workflow in its build phase, with everything around its agents played."""

    database: Database
    workflow: Workflow
    run: Run
    leg: MemoryLeg
    runtime: ScriptedRuntime
    gateway: MemoryGateway
    workspace: MemoryWorkspace

    def ctx(self, *, attempt: int = 1, phase: Phase = Phase.BUILD) -> PhaseContext:
        return PhaseContext(run=self.run, phase=phase, attempt=attempt)

    def replayed(self) -> None:
        """The worker died: the leg begins anew with what was recorded so far."""
        self.leg = MemoryLeg(self.database, run_id=self.leg.run_id, records=dict(self.leg.records))
        self.run = replace(self.run, leg=self.leg)

    def script(self, *replies: ScriptedReply) -> ScriptedRuntime:
        self.runtime._replies.extend(replies)
        return self.runtime

    @property
    def editing(self) -> Conversation:
        return Conversation(
            role=Role.IMPLEMENTOR,
            prompt=Prompt(system="You change files.", text="Do the work."),
            policy=EDITOR,
            cwd=self.workspace.path,
            workspace=cast("Any", self.workspace),
            start_commit="c0",
        )

    @property
    def classifying(self) -> Conversation:
        prompt = Prompt(system="You classify.", text="What is it?", schema={"type": "object"})
        return Conversation(role=Role.CLASSIFIER, prompt=prompt, policy=NO_TOOLS, cwd=self.workspace.path)

    async def now(self) -> Workflow:
        async with self.database.read() as connection:
            return await require_workflow(connection, self.workflow.adw_id)

    async def events(self, *types: EventType) -> list[Any]:
        async with self.database.read() as connection:
            return await get_workflow_events(connection, self.workflow.adw_id, types=types)


@pytest.fixture
async def play(database: Database, make_workflow: Any, tmp_path: Path) -> Play:
    workflow = await make_workflow()
    async with database.begin() as connection:
        started = NewEvent(type=EventType.WORKFLOW_STARTED)
        await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=started)
        await begin_leg(connection, workflow.adw_id)
        await _be_alive(connection)
        epoch = await claim_ownership(connection, workflow.adw_id, owner_id="worker-1")
        workflow = await require_workflow(connection, workflow.adw_id)
        project = await get_project(connection, workflow.project_id)
    runtime, gateway, workspace = ScriptedRuntime(), MemoryGateway(), MemoryWorkspace(tmp_path)
    nothing = cast("Any", None)
    services = Services(
        database=database,
        workspaces=nothing,
        access=nothing,
        commands=nothing,
        runtime=runtime,
        gateway=gateway,
        prompts=AgentPrompts(),
        pick_model=lambda role, _set, _config: f"model-of-{role}",
        environment={},
        host="here",
        containment=HostContainment(operator="off"),
        port_pairs=(),
        is_port_free=lambda _: True,
        work_dir=tmp_path,
        write_private_files=lambda *_: None,
        retry_delays_s=(0.0, 0.0),
        snapshot_interval_s=0.0,
    )
    leg = MemoryLeg(database, run_id=f"{workflow.adw_id}.1")
    run = Run(services=services, leg=leg, workflow=workflow, project=project, config=ProjectConfig(), epoch=epoch)
    return Play(database, workflow, run, leg, runtime, gateway, workspace)


async def _be_alive(connection: Any) -> None:
    """Effects are made only while the worker's lease holds."""
    worker = NewWorker(
        id=MemoryLeg.executor_id,
        name="w",
        host_id="here",
        pid=0,
        process_started_at=0,
        concurrency=1,
        code_revision="r",
    )
    await register_worker(connection, worker, lease_s=3600)
