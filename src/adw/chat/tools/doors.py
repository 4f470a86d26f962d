"""What tools stand on, and for whom they act."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from adw.control.agency import Agency
from adw.control.service import Control
from adw.control.steering import Steering
from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.intake.service import Intake
from adw.kit.errors import NotFoundError
from adw.ports.projects import ProjectAccess
from adw.store.db import Database
from adw.store.projects import get_project
from adw.store.workflows import require_workflow, resolve_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The services every other way in uses too."""

    database: Database
    intake: Intake
    control: Control
    steering: Steering
    access: ProjectAccess
    home: Path | None = None
    """The repository that is meant where none is named."""

    async def workflow(self, reference: str) -> Workflow:
        """The workflow a unique beginning of an id stands for. Raises NotFoundError, UsageError."""
        async with self.database.read() as connection:
            return await require_workflow(connection, await resolve_prefix(connection, reference))

    @property
    def agency(self) -> Agency:
        """The door to free agents."""
        return Agency(database=self.database, access=self.access)

    async def project_of(self, workflow: Workflow) -> Project:
        async with self.database.read() as connection:
            return await get_project(connection, workflow.project_id)

    async def diff(self, workflow: Workflow) -> str:
        """What the workflow changes: its pull request's diff, else that of its commits; empty without any."""
        project = await self.project_of(workflow)
        if workflow.pr_number is not None:
            try:
                return await self.access.forge(project).diff(workflow.pr_number)
            except NotFoundError:
                if workflow.head_sha is None:
                    raise
        if workflow.head_sha in {None, workflow.base_sha}:
            return ""
        return await self.access.diff(project, base=workflow.base_sha, head=str(workflow.head_sha))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is recorded as having done it, and through which door: `chat` or `mcp`."""

    actor: str
    source: str
    turn: str | None = None
    """The turn of a conversation. One that is taken up again after a crash may repeat its calls without harm."""
    orchestrator_id: UUID | None = None
    """Whose agents it commands: those of the conversation's orchestrator, else of the server's own."""

    def key(self, tool: str, arguments: Mapping[str, Any]) -> str | None:
        """The same for the same call in the same turn; None when nothing is known of turns."""
        if self.turn is None:
            return None
        said = orjson.dumps([self.turn, tool, arguments], option=orjson.OPT_SORT_KEYS, default=str)
        return f"{self.source}:{hashlib.sha256(said).hexdigest()[:40]}"
