"""What triggers stand on. Wiring fills it in; tests may fill it in otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from adw.domain.config import ProjectConfig, SandboxTable
from adw.domain.project import Project
from adw.intake.service import Intake
from adw.kit.clock import Clock
from adw.ports.forge import Forge
from adw.store.db import Database


class AskRound(Protocol):
    """Hands a permitted person's request on a pull request to whoever works on it."""

    async def __call__(
        self, database: Database, *, project_id: str, pr_number: int, actor: str, text: str, key: str
    ) -> str | None:
        """The id of the workflow, None when the pull request is not one of ours. The same key is the same request."""
        ...


class ConfigOf(Protocol):
    """The settings of a project as they are on its base branch now. Raises ConfigurationError."""

    async def __call__(self, project: Project) -> ProjectConfig: ...


class IsContained(Protocol):
    """Whether programs of a project with these settings would be shut in here."""

    def __call__(self, sandbox: SandboxTable) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerParts:
    """The door for work, the forge of each project, and whom to ask about the rest."""

    database: Database
    intake: Intake
    forge_of: Callable[[Project], Forge]
    config_of: ConfigOf
    is_contained: IsContained
    ask_round: AskRound
    clock: Clock
