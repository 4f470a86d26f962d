"""The workspace as phases use it: prepared once, found again later, set up for the project's commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.ports.commands import CommandSet, Place
from adw.ports.engine import JsonValue
from adw.ports.workspace import Workspace, WorkspaceSpec
from adw.store.leases import PortPair, held_ports
from adw.workflows.containment import confine_commands, isolation, warn_if_open
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.moving_in import move_in


class Worktree:
    """One phase's hold on the workflow's workspace."""

    def __init__(
        self, ctx: PhaseContext, *, workspace: Workspace, branch: str, ports: PortPair, has_moved: bool = False
    ) -> None:
        self._ctx = ctx
        self.workspace = workspace
        self.branch = branch
        self.ports = ports
        self.has_moved = has_moved
        self.commands: CommandSet = ctx.services.commands.detect(workspace.path, ctx.run.config.commands)

    @property
    def path(self) -> Path:
        return self.workspace.path

    @property
    def place(self) -> Place:
        """Where and with which variables the project's commands run."""
        return place_of(self._ctx, self.workspace, report_dir=self._folder / "reports", env=self.environment)

    @property
    def environment(self) -> Mapping[str, str]:
        ports = {
            "BACKEND_PORT": str(self.ports.backend),
            "FRONTEND_PORT": str(self.ports.frontend),
            "VITE_BACKEND_URL": f"http://localhost:{self.ports.backend}",
        }
        return {**self._ctx.services.environment, **self._ctx.run.config.env.set, **ports}

    @property
    def tool_environment(self) -> Mapping[str, str]:
        """What differs for an agent that works here: the project's tools on `PATH`, its variables and ports."""
        return self._ctx.services.commands.environment(self.place)

    async def set_up(self) -> None:
        """Installs what the project needs, once for each workspace. Raises PhaseFailed when that fails."""
        services = self._ctx.services
        done = self._folder / "set-up"
        # what was installed into a home is not found from another one
        identity = f"{services.commands.environment_hash(self.path, self.commands)} {isolation(self._ctx)}"
        if done.is_file() and done.read_text() == f"{self.path}\n{identity}":
            return
        if self.commands.setup is not None:
            event = NewEvent(
                type=EventType.PHASE_PROGRESS,
                phase=self._ctx.phase,
                message=f"setting up: `{self.commands.setup.shown}`",
            )
            await self._ctx.tell(event)
        outcome = await services.commands.run_setup(self.commands, place=self.place)
        if outcome is not None and not outcome.ok:
            why = "did not end in time" if outcome.timed_out else f"failed with exit status {outcome.exit_code}"
            raise PhaseFailed(
                FailureClass.CONFIGURATION, f"set-up `{outcome.command}` {why}: {outcome.output_tail[-1500:]}"
            )
        done.parent.mkdir(parents=True, exist_ok=True)
        done.write_text(f"{self.path}\n{identity}")

    @property
    def _folder(self) -> Path:
        return self._ctx.services.work_dir / self._ctx.adw_id


def place_of(ctx: PhaseContext, workspace: Workspace, *, report_dir: Path, env: Mapping[str, str]) -> Place:
    """Where the project's commands run in a workspace, and what they are confined to."""
    network = ctx.run.config.sandbox.setup_network
    return Place(
        root=workspace.path,
        report_dir=report_dir,
        env=env,
        confinement=confine_commands(ctx, workspace, report_dir=report_dir),
        setup_confinement=confine_commands(ctx, workspace, report_dir=report_dir, network=network),
    )


async def open_worktree(ctx: PhaseContext, *, branch: str) -> Worktree:
    """Prepares the workspace as a step, then opens it. Files that are there are left as they are.

    A leg taken over from another host replays the step; here it still needs ports of its own, and its set-up.
    """

    async def work() -> JsonValue:
        return await _prepare(ctx, branch)

    recorded: Mapping[str, Any] = await ctx.step("workspace", work)
    workspace = await _opened(ctx, ctx.spec(branch))
    ports = PortPair(backend=int(recorded["backend"]), frontend=int(recorded["frontend"]))
    async with ctx.services.database.read() as connection:
        has_moved = await held_ports(connection, adw_id=ctx.adw_id, host=ctx.services.host) != ports
    if has_moved:
        ports = await move_in(ctx, workspace)
    return Worktree(ctx, workspace=workspace, branch=branch, ports=ports, has_moved=has_moved)


async def set_up(ctx: PhaseContext, worktree: Worktree) -> None:
    """The project's set-up commands as a step."""

    async def work() -> JsonValue:
        try:
            await worktree.set_up()
        except PhaseFailed as failed:
            return {"class": failed.failure_class.value, "message": failed.message}
        return None

    failed: Mapping[str, Any] | None = await ctx.step("setup", work)
    if failed is not None:
        raise PhaseFailed(FailureClass(failed["class"]), str(failed["message"]))
    if worktree.has_moved:
        await worktree.set_up()  # what the step did on another host; where it was done here, this finds it


async def _prepare(ctx: PhaseContext, branch: str) -> JsonValue:
    services = ctx.services
    await warn_if_open(ctx)
    spec = ctx.spec(branch)
    ctx.run.opened[spec] = workspace = await services.workspaces.prepare(spec)
    ports = await move_in(ctx, workspace)
    return {"backend": ports.backend, "frontend": ports.frontend}


async def _opened(ctx: PhaseContext, spec: WorkspaceSpec) -> Workspace:
    """Made sure of once a leg, and by each step that prepares it: what else happens in a leg happens through it."""
    if spec not in ctx.run.opened:
        ctx.run.opened[spec] = await ctx.services.workspaces.open(spec)
    return ctx.run.opened[spec]
