"""Everything the API stands on. Wiring fills it in; tests may fill it in otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from adw.control.service import Control
from adw.control.steering import Steering
from adw.domain.agent import ModelSet, Role
from adw.domain.config import ProjectConfig
from adw.intake.service import Intake
from adw.ports.commands import ProjectCommands
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import Workspaces
from adw.store.db import Database
from adw.stream import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServices:
    """The doors for work (`intake`, `control`, `steering`), the database to look at, the feed of what happens, and what
    belongs to projects.
    """

    database: Database
    feed: Feed
    intake: Intake
    control: Control
    steering: Steering
    access: ProjectAccess
    workspaces: Workspaces
    commands: ProjectCommands
    pick_model: Callable[[Role, ModelSet, ProjectConfig], str]
    home: Path | None = None
    """The repository that the orchestrator agent means where none is named, if not the only one there is."""
    webhook_secret: str | None = field(default=None, repr=False)
    """With which GitHub signs its webhooks; without one all of them are refused."""
