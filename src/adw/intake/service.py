"""The one door for new work: command line, API, chat and triggers all come through `accept`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from adw.domain.config import ProjectConfig
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import Issue
from adw.domain.kinds import canonical_kind, phases_of
from adw.domain.project import ForgeKind, Project
from adw.domain.workflow import NewWorkflow, Workflow
from adw.intake.candidate import Candidate, Finding, duplicate, refuse
from adw.intake.dependencies import dependency_findings, find_dependencies
from adw.intake.earlier import EarlierWork, Theirs
from adw.intake.preflight import Preflight
from adw.intake.repository import Found, Repositories, project_id_of
from adw.intake.request import WorkRequest, check_request, check_text, title_for
from adw.intake.resolved import new_workflow
from adw.intake.room import check_machine, check_month, this_month
from adw.kit.errors import ConflictError, DuplicateRunError
from adw.ports.projects import ProjectAccess
from adw.ports.resources import Resources
from adw.ports.workspace import BaseRef, Workspaces
from adw.project.base_files import BaseFiles
from adw.store import projects, usage
from adw.store.budgets import follow_file
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.workflows import create_workflow, find_by_idempotency_key, find_live_on_issue, require_workflow

__all__ = ["Accepted", "Intake", "Preview", "WorkRequest", "project_id_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A workflow now queued, and sentences for the person who asked."""

    workflow: Workflow
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a request would become, and what was found out about it; nothing was made."""

    candidate: Candidate
    findings: tuple[Finding, ...]
    theirs: Theirs | None = None
    """The branch of somebody else that it would start from."""

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.candidate.found.base.notes, *(each.message for each in self.findings if each.is_note))


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Turns a request into exactly one queued workflow."""

    database: Database
    workspaces: Workspaces
    access: ProjectAccess
    resources: Resources | None = None

    async def accept(self, request: WorkRequest) -> Accepted:
        """Checks the request, pins its base commit and writes the workflow with its first events.

        Raises UsageError for what cannot be done, NotFoundError for an unknown issue, DuplicateRunError when the
        issue has a live workflow, and what else the preflight refuses; nothing is made then. The same idempotency key
        gives the workflow it gave before. Work on a workflow of ours is a follow-up, not new work: see `earlier`.
        """
        check_request(request)
        known = await self._repeated(request.idempotency_key)
        if known is not None:
            return Accepted(workflow=known)
        preview = await self.preview(request)
        refuse(preview.findings)
        candidate = preview.candidate
        project = await self._establish(candidate.found)
        issue = candidate.issue
        if issue is None and request.text and _makes_issue(project, request):
            issue = await self._new_issue(project, request)
        new = new_workflow(candidate, project=project, issue=issue, theirs=preview.theirs)
        if preview.theirs is not None and new.branch_name is not None:
            await self.access.start_branch(project, branch=new.branch_name, sha=preview.theirs.tip.sha)
        return Accepted(workflow=await self._write(new, candidate.config), notes=preview.notes)

    async def preview(self, request: WorkRequest) -> Preview:
        """What the request would become; raises for what cannot be understood, and finds what would be refused."""
        check_request(request)
        repositories = self._repositories
        found, config = await repositories.configured(await repositories.find(request.project))
        theirs = await self._theirs(found, request)
        if theirs is not None:
            found = replace(found, base=replace(found.base, sha=theirs.tip.merge_base))
            config = await repositories.config_of(found)
        parents = await find_dependencies(self.database, request.depends_on)
        candidate = Candidate(
            request=request,
            found=found,
            config=config,
            kind=canonical_kind(request.kind),
            phases=phases_of(request.kind, defined=config.kinds),
            issue=await self._named_issue(found.project, request),
            budget_usd=request.budget_usd if request.budget_usd is not None else config.budget.workflow_usd,
            depends_on=tuple(parent.adw_id for parent in parents),
        )
        preflight = Preflight(database=self.database, access=self.access, resources=self.resources)
        findings = await preflight.examine(candidate)
        month = await this_month(self.database, candidate.project, config)
        if month is not None and (candidate.budget_usd is None or candidate.budget_usd > month.left_usd):
            candidate = replace(candidate, budget_usd=month.left_usd)
        return Preview(candidate=candidate, findings=(*findings, *dependency_findings(parents)), theirs=theirs)

    async def earlier(self, request: WorkRequest) -> Workflow | None:
        """The workflow of ours that a request wants to go on with; None when it asks for new work.

        Raises UsageError when what it names is neither ours nor a branch somebody made.
        """
        check_request(request)
        if request.on is None:
            return None
        reference, work = request.on.strip(), EarlierWork(database=self.database, access=self.access)
        known = await work.by_id(reference)
        if known is not None:
            return known
        found = await self._repositories.find(request.project)
        known = await work.find(found.project, reference, base=found.base)
        return known if isinstance(known, Workflow) else None

    async def check_room(self, workflow: Workflow) -> None:
        """For work that goes on: raises as `accept` does when the machine or the month's money is used up."""
        async with self.database.read() as connection:
            project = await projects.get_project(connection, workflow.project_id)
        check_machine(self.resources)
        config = await BaseFiles(access=self.access, project=project, sha=workflow.base_sha).config()
        await check_month(self.database, project, config)

    async def open_project(self, reference: str, *, base: str | None = None) -> tuple[Project, BaseRef]:
        """The project a reference means, made if it is new, with the commit its base is at now.

        A clone of a repository whose settings place it on GitHub means the one there.
        """
        repositories = self._repositories
        found = await repositories.find(reference, base=base)
        if base is None:
            found, _ = await repositories.configured(found)
        return await self._establish(found), found.base

    @property
    def _repositories(self) -> Repositories:
        return Repositories(database=self.database, workspaces=self.workspaces, access=self.access)

    async def _theirs(self, found: Found, request: WorkRequest) -> Theirs | None:
        if request.on is None:
            return None
        work = EarlierWork(database=self.database, access=self.access)
        known = await work.find(found.project, request.on.strip(), base=found.base)
        if isinstance(known, Theirs):
            return known
        raise ConflictError(
            f"{request.on.strip()} is work of ours, the workflow {known.adw_id}",
            hint=f"go on with it: `adw run -w {canonical_kind(request.kind)} --on {known.adw_id}`",
        )

    async def _named_issue(self, project: Project, request: WorkRequest) -> Issue | None:
        """The issue a request names; None for a sentence."""
        if request.issue_number is None:
            return None
        issue = await self.access.forge(project).get_issue(request.issue_number)
        check_text(request, issue)
        return issue

    async def _establish(self, found: Found) -> Project:
        """The project's remote and row, made where they are missing."""
        remote = await self.access.prepare_remote(found.project, base=found.base.name, sha=found.base.sha)
        async with self.database.begin() as connection:
            return await projects.ensure_project(
                connection,
                project_id=found.project.id,
                name=found.project.name,
                forge=found.project.forge,
                source=found.project.source,
                base_branch=found.base.name,
                remote=remote,
            )

    async def _new_issue(self, project: Project, request: WorkRequest) -> Issue:
        key = None if request.idempotency_key is None else f"issue:{request.idempotency_key}"
        forge = self.access.forge(project)
        return await forge.create_issue(title=title_for(request.text), body=request.text, key=key, author=request.actor)

    async def _repeated(self, key: str | None) -> Workflow | None:
        if key is None:
            return None
        async with self.database.read() as connection:
            return await find_by_idempotency_key(connection, key)

    async def _write(self, new: NewWorkflow, config: ProjectConfig) -> Workflow:
        try:
            async with self.database.begin() as connection:
                written = await _create(connection, new)
                await follow_file(connection, new.project_id, month_usd=config.budget.month_usd)
                return written
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
        raise duplicate(new.issue_number, live) from error


def _makes_issue(project: Project, request: WorkRequest) -> bool:
    """Where others read the issues, a sentence becomes one only if somebody wants it to."""
    return request.create_issue or project.forge is ForgeKind.LOCAL


async def _create(connection: Connection, new: NewWorkflow) -> Workflow:
    await create_workflow(connection, new)
    await usage.set_budget(connection, new.adw_id, budget_usd=new.budget_usd)
    queued = NewEvent(type=EventType.WORKFLOW_QUEUED, message="queued")
    await append_event(connection, new.adw_id, queued)
    return await require_workflow(connection, new.adw_id)
