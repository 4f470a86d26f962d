"""The settings of projects on their base branches, remembered for a little while: a label costs no fetch each."""

from __future__ import annotations

import time

from adw.domain.config import ProjectConfig
from adw.domain.project import Project
from adw.intake.repository import Repositories

FRESH_S = 15.0


class ProjectSettings:
    """Implements `adw.intake.triggers.parts.ConfigOf`."""

    def __init__(self, repositories: Repositories, *, fresh_s: float = FRESH_S) -> None:
        self._repositories = repositories
        self._fresh_s = fresh_s
        self._known: dict[str, tuple[float, ProjectConfig]] = {}

    async def __call__(self, project: Project) -> ProjectConfig:
        known = self._known.get(project.id)
        if known is not None and time.monotonic() - known[0] < self._fresh_s:
            return known[1]
        _, config = await self._repositories.configured(await self._repositories.find(project.id))
        self._known[project.id] = (time.monotonic(), config)
        return config
