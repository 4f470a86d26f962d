"""What the programs of a workflow are confined to, by what its project's settings ask for, and saying so aloud."""

from __future__ import annotations

from pathlib import Path

from adw.domain.agent import ToolPolicy
from adw.domain.events import EventType, NewEvent
from adw.kit.errors import ConfigurationError
from adw.kit.log import get_logger
from adw.kit.process.confinement import Confinement, Network
from adw.ports.containment import Isolation, Site
from adw.ports.workspace import Workspace
from adw.workflows.context import PhaseContext

_WARNINGS = {
    "off": "the sandbox is off, as the settings say: agents and commands can read what the worker's user can",
    "supervisor": "this system has no sandbox: agents and commands can read what the worker's user can",
}

log = get_logger("workflows")


def isolation(ctx: PhaseContext) -> Isolation:
    """What keeps the programs of this workflow apart from the rest of the machine."""
    return ctx.services.containment.in_force(ctx.run.config.sandbox)


def confine_commands(
    ctx: PhaseContext, workspace: Workspace, *, report_dir: Path, network: Network = "none"
) -> Confinement | None:
    """For the project's commands in a workspace. They need no model, so no way to the gateway either.

    Raises ConfigurationError where nothing is contained though this work has to be.
    """
    _check_isolation(ctx)
    site = Site(tree=workspace.path, home=_home(ctx), git_folder=workspace.git_folder, writable=(report_dir,))
    return ctx.services.containment.confine(ctx.run.config.sandbox, site, network=network)


def confine_agent(
    ctx: PhaseContext, *, cwd: Path, workspace: Workspace | None, policy: ToolPolicy
) -> Confinement | None:
    """For an agent and its tools; one that may write nothing finds everything read-only.

    Raises ConfigurationError where nothing is contained though this work has to be.
    """
    _check_isolation(ctx)
    door = ctx.services.gateway.door
    site = Site(
        tree=cwd,
        home=_home(ctx),
        git_folder=None if workspace is None else workspace.git_folder,
        is_writable=bool(policy.writable),
        readable=policy.readable,
    )
    return ctx.services.containment.confine(ctx.run.config.sandbox, site, ways_out=() if door is None else (door,))


async def warn_if_open(ctx: PhaseContext) -> None:
    """An event and a line of the log where nothing is contained."""
    found = isolation(ctx)
    if found in _WARNINGS:
        log.warning("not_contained", adw_id=ctx.adw_id, phase=ctx.phase, isolation=found)
        data = {"isolation": found}
        message = f"warning: {_WARNINGS[found]}"
        await ctx.tell(NewEvent(type=EventType.PHASE_PROGRESS, phase=ctx.phase, message=message, data=data))


def isolation_line(ctx: PhaseContext) -> str:
    """For the evidence in a pull request."""
    found = isolation(ctx)
    if found == "bubblewrap":
        return "Agents and commands were contained: bubblewrap."
    return f"Isolation: {found}. Agents and commands were **not contained**."


def _check_isolation(ctx: PhaseContext) -> None:
    """Work on the words of somebody who may not write here is let in on condition that it stays shut in."""
    if ctx.run.workflow.trigger.get("needsContainment") and isolation(ctx) != "bubblewrap":
        raise ConfigurationError(
            "this work is on the words of somebody without write permission, and nothing is contained on this host",
            hint="run a worker where the sandbox is in force: see `adw doctor` and ADW_SANDBOX",
        )


def _home(ctx: PhaseContext) -> Path:
    return ctx.services.work_dir / ctx.adw_id / "home"
