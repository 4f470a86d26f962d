"""Projects and the commands found in them."""

from __future__ import annotations

from datetime import datetime

from adw.api.wire import Wire
from adw.ports.commands import Command, CommandSet


class ProjectView(Wire):
    """A repository under management."""

    id: str
    name: str
    forge: str
    source: str
    base_branch: str
    created_at: datetime


class ProjectList(Wire):
    """Projects, oldest first."""

    projects: tuple[ProjectView, ...]


class BaseView(Wire):
    """The commit work would start from now."""

    name: str
    sha: str


class AddedProject(Wire):
    """A project that is known now."""

    project: ProjectView
    base: BaseView
    notes: tuple[str, ...]


class CommandView(Wire):
    """One command of a project, and why it is this one."""

    line: str
    origin: str
    cwd: str
    format: str
    timeout_s: float


class CommandsView(Wire):
    """What the project can be asked to do; null where there is nothing to run."""

    setup: CommandView | None
    build: CommandView | None
    lint: CommandView | None
    test: CommandView | None
    e2e: CommandView | None
    run: CommandView | None


class ProjectDetail(ProjectView):
    """A project with its commands; null when there are no files here to find them in."""

    commands: CommandsView | None


def commands_view(commands: CommandSet) -> CommandsView:
    return CommandsView(**{name: _command(getattr(commands, name)) for name in CommandsView.model_fields})


def _command(command: Command | None) -> CommandView | None:
    if command is None:
        return None
    return CommandView(
        line=command.shown,
        origin=command.origin,
        cwd=command.cwd,
        format=command.format,
        timeout_s=command.timeout_s,
    )
