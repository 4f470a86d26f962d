"""The one door for new work: command line, API, chat and triggers all come through `accept`."""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.agent import ModelSet
from adw.domain.config import ProjectConfig
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import Issue
from adw.domain.kinds import normalise_kind, phases_of
from adw.domain.project import Project
from adw.domain.workflow import NewWorkflow, Workflow
from adw.intake.repository import Found, Repositories, project_id_of
from adw.intake.request import WorkRequest, check_request, title_for
from adw.kit.errors import ConflictError, DuplicateRunError
from adw.kit.ids import new_adw_id
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import BaseRef, Workspaces
from adw.store import projects, usage
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.workflows import create_workflow, find_by_idempotency_key, find_live_on_issue, require_workflow

__all__ = ["Accepted", "Intake", "WorkRequest", "project_id_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A workflow now queued, and sentences for the person who asked."""

    workflow: Workflow
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Turns a request into exactly one queued workflow."""

    database: Database
    workspaces: Workspaces
    access: ProjectAccess

    async def accept(self, request: WorkRequest) -> Accepted:
        """Checks the request, pins its base commit and writes the workflow with its first events.

        Raises UsageError for what cannot be done, NotFoundError for an unknown issue, DuplicateRunError when the
        issue has a live workflow; nothing is made then. The same idempotency key gives the workflow it gave before.
        """
        kind = normalise_kind(request.kind)
        check_request(request)
        known = await self._repeated(request.idempotency_key)
        if known is not None:
            return Accepted(workflow=known)
        repositories = self._repositories
        found, config = await repositories.configured(await repositories.find(request.project))
        issue = await self._known_issue(found.project, request)
        project = await self._establish(found)
        issue = issue or await self._new_issue(project, request)
        new = _new_workflow(request, project=project, base=found.base, kind=kind, issue=issue, config=config)
        return Accepted(workflow=await self._write(new), notes=found.base.notes)

    async def open_project(self, reference: str, *, base: str | None = None) -> tuple[Project, BaseRef]:
        """The project at a path, made if it is new, or a known one; with the commit its base is at now."""
        found = await self._repositories.find(reference, base=base)
        return await self._establish(found), found.base

    @property
    def _repositories(self) -> Repositories:
        return Repositories(database=self.database, workspaces=self.workspaces, access=self.access)

    async def _establish(self, found: Found) -> Project:
        """The project's remote and row, made where they are missing."""
        await self.access.prepare_remote(found.project, base=found.base.name, sha=found.base.sha)
        async with self.database.begin() as connection:
            return await projects.ensure_project(
                connection,
                project_id=found.project.id,
                name=found.project.name,
                forge=found.project.forge,
                source=found.project.source,
                base_branch=found.base.name,
            )

    async def _known_issue(self, project: Project, request: WorkRequest) -> Issue | None:
        """The issue a request names, if it is open and free; None for a sentence."""
        if request.issue_number is None:
            return None
        issue = await self.access.forge(project).get_issue(request.issue_number)
        if issue.state != "open":
            raise ConflictError(f"issue #{issue.number} is closed", hint="reopen it, or describe the work in a new one")
        async with self.database.read() as connection:
            live = await find_live_on_issue(connection, project_id=project.id, issue_number=issue.number)
        if live is not None:
            raise _duplicate(issue.number, live)
        return issue

    async def _new_issue(self, project: Project, request: WorkRequest) -> Issue:
        key = None if request.idempotency_key is None else f"issue:{request.idempotency_key}"
        forge = self.access.forge(project)
        return await forge.create_issue(title=title_for(request.text), body=request.text, key=key, author=request.actor)

    async def _repeated(self, key: str | None) -> Workflow | None:
        if key is None:
            return None
        async with self.database.read() as connection:
            return await find_by_idempotency_key(connection, key)

    async def _write(self, new: NewWorkflow) -> Workflow:
        try:
            async with self.database.begin() as connection:
                return await _create(connection, new)
        except DuplicateRunError as error:
            return await self._lost_race(new, error)

    async def _lost_race(self, new: NewWorkflow, error: DuplicateRunError) -> Workflow:
        """Somebody was faster: with the same key it is the same work, otherwise the issue is taken."""
        same = await self._repeated(new.idempotency_key)
        if same is not None:
            return same
        assert new.issue_number is not None  # noqa: S101 # only issues with a number can collide
        async with self.database.read() as connection:
            live = await find_live_on_issue(connection, project_id=new.project_id, issue_number=new.issue_number)
        raise _duplicate(new.issue_number, live) from error


def _duplicate(issue_number: int, live: Workflow | None) -> DuplicateRunError:
    identity = live.adw_id if live else "?"
    return DuplicateRunError(
        f"issue #{issue_number} already has the live workflow {identity}",
        hint=f"see `adw workflow show {identity}`; cancel it, or merge or close its pull request, to start anew",
    )


async def _create(connection: Connection, new: NewWorkflow) -> Workflow:
    await create_workflow(connection, new)
    await usage.set_budget(connection, new.adw_id, budget_usd=new.budget_usd)
    queued = NewEvent(type=EventType.WORKFLOW_QUEUED, message="queued")
    await append_event(connection, new.adw_id, queued)
    return await require_workflow(connection, new.adw_id)


def _new_workflow(
    request: WorkRequest, *, project: Project, base: BaseRef, kind: str, issue: Issue, config: ProjectConfig
) -> NewWorkflow:
    return NewWorkflow(
        adw_id=new_adw_id(),
        project_id=project.id,
        workflow_type=kind,
        phases=tuple(phase.value for phase in phases_of(kind)),
        issue_number=issue.number,
        issue_title=issue.title,
        issue_body=issue.body,
        base_branch=base.name,
        base_sha=base.sha,
        model_set=request.model_set or config.agents.model_set or ModelSet.BASE,
        budget_usd=request.budget_usd if request.budget_usd is not None else config.budget.workflow_usd,
        priority=request.priority,
        options=request.options,
        trigger={"source": request.source, "actor": request.actor},
        idempotency_key=request.idempotency_key,
    )
