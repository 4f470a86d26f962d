"""Earlier work that a single phase is to be done on: a workflow of ours, or a branch somebody else made."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.kit.errors import NotFoundError, UsageError
from adw.ports.projects import BranchTip, ProjectAccess
from adw.ports.workspace import BaseRef
from adw.store.admission import find_by_branch, find_by_pull_request
from adw.store.db import Database
from adw.store.workflows import get_workflow, resolve_prefix

_ID = re.compile(r"[0-9a-f]{8}")
_PREFIX = re.compile(r"[0-9a-f]{1,8}")
_NUMBER = re.compile(r"#?(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """A branch that is not ours; it is only looked at."""

    branch: str
    tip: BranchTip


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierWork:
    """Finds what `--on` names."""

    database: Database
    access: ProjectAccess

    async def by_id(self, reference: str) -> Workflow | None:
        """The workflow of exactly this id, whatever project it belongs to."""
        if not _ID.fullmatch(reference):
            return None
        async with self.database.read() as connection:
            return await get_workflow(connection, reference)

    async def find(self, project: Project, reference: str, *, base: BaseRef) -> Workflow | Theirs:
        """By pull request, branch or the beginning of an id, in this order.

        Raises UsageError when it is none of them, or a branch with nothing on it.
        """
        number = _NUMBER.fullmatch(reference)
        found = await self._by_pull_request(project, int(number[1]), base=base) if number else None
        found = found or await self._by_branch(project, reference, base=base) or await self._by_prefix(reference)
        if found is None:
            raise UsageError(
                f"there is no workflow, branch or pull request {reference!r} in {project.name}",
                hint="see `adw workflow list` and `adw pr list`; a branch has to be in the repository itself",
            )
        return found

    async def _by_pull_request(self, project: Project, number: int, *, base: BaseRef) -> Workflow | Theirs | None:
        async with self.database.read() as connection:
            ours = await find_by_pull_request(connection, project_id=project.id, number=number)
        if ours is not None:
            return ours
        try:
            pull = await self.access.forge(project).get_pull_request(number)
        except NotFoundError:
            return None
        return await self._by_branch(project, pull.head_branch, base=base)

    async def _by_branch(self, project: Project, branch: str, *, base: BaseRef) -> Workflow | Theirs | None:
        async with self.database.read() as connection:
            ours = await find_by_branch(connection, project_id=project.id, branch=branch)
        if ours is not None:
            return ours
        tip = await self.access.branch_tip(project, branch=branch, base_sha=base.sha)
        if tip is None:
            return None
        if tip.sha == tip.merge_base:
            raise UsageError(
                f"branch {branch} holds nothing that {base.name} does not hold",
                hint="commit the work to it first, or name another branch",
            )
        return Theirs(branch=branch, tip=tip)

    async def _by_prefix(self, reference: str) -> Workflow | None:
        if not _PREFIX.fullmatch(reference):
            return None
        async with self.database.read() as connection:
            try:
                return await get_workflow(connection, await resolve_prefix(connection, reference))
            except NotFoundError:
                return None
