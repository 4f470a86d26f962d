"""The one door for new work: command line, API, chat and triggers all come through `accept`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from adw.domain.agent import ModelSet
from adw.domain.config import CONFIG_FILE, ProjectConfig, parse_config
from adw.domain.events import EventType, NewEvent
from adw.domain.forge import Issue
from adw.domain.kinds import normalise_kind, phases_of
from adw.domain.naming import title_of
from adw.domain.project import ForgeKind, Project
from adw.domain.workflow import NewWorkflow, Workflow, WorkflowOptions
from adw.kit.errors import ConflictError, DuplicateRunError, NotFoundError, UsageError
from adw.kit.ids import new_adw_id
from adw.ports.projects import ProjectAccess
from adw.ports.workspace import BaseRef, RepositoryRef, Workspaces
from adw.store import projects, usage
from adw.store.db import Connection, Database
from adw.store.events import append_event
from adw.store.workflows import create_workflow, find_by_idempotency_key, find_live_on_issue

_MAX_PROMPT = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRequest:
    """Work somebody hands in: on an issue by number, or a sentence that becomes one."""

    project: str
    """A path, or the id or name of a known project."""
    kind: str
    actor: str
    source: str
    """Which door it came through: `cli`, `api`, ..."""
    issue_number: int | None = None
    prompt: str | None = None
    model_set: ModelSet | None = None
    budget_usd: Decimal | None = None
    priority: int = 0
    options: WorkflowOptions = field(default_factory=WorkflowOptions)
    idempotency_key: str | None = None


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
        issue has a live workflow. The same idempotency key gives the workflow it gave before.
        """
        kind = normalise_kind(request.kind)
        check_prompt(request)
        known = await self._repeated(request)
        if known is not None:
            return Accepted(workflow=known)
        project, base = await self.open_project(request.project)
        config = await self._config(project, base)
        if config.project.base not in {None, base.name}:
            project, base = await self.open_project(project.source, base=config.project.base)
        issue = await self._issue(project, request)
        new = _new_workflow(request, project=project, base=base, kind=kind, issue=issue, config=config)
        return Accepted(workflow=await self._write(new), notes=base.notes)

    async def open_project(self, reference: str, *, base: str | None = None) -> tuple[Project, BaseRef]:
        """The project at a path, made if it is new, or a known one; with the commit its base is at now."""
        path = Path(reference).expanduser()
        if not path.is_absolute() or not path.exists():
            project = await self._known_project(reference)
            path, base = Path(project.source), base or project.base_branch
        source = path.resolve()
        identity = project_id_of(source)
        repository = RepositoryRef(project_id=identity, source=source, remote=source)
        found = await self.workspaces.resolve_base(repository, base=base)
        async with self.database.begin() as connection:
            project = await projects.ensure_project(
                connection,
                project_id=identity,
                name=source.name.removesuffix(".git"),
                forge=ForgeKind.LOCAL,
                source=str(source),
                base_branch=found.name,
            )
        await self.access.prepare_remote(project, base=found.name, sha=found.sha)
        return project, found

    async def _config(self, project: Project, base: BaseRef) -> ProjectConfig:
        content = await self.access.read_committed(project, sha=base.sha, path=CONFIG_FILE)
        return parse_config((content or b"").decode("utf-8", "replace"), source=f"{CONFIG_FILE} of {project.name}")

    async def _known_project(self, reference: str) -> Project:
        try:
            async with self.database.read() as connection:
                return await projects.find_project(connection, reference)
        except NotFoundError as error:
            raise UsageError(
                f"{reference!r} is neither a repository nor a known project",
                hint="give the path of a git repository, or see `adw project list`",
            ) from error

    async def _issue(self, project: Project, request: WorkRequest) -> Issue:
        forge = self.access.forge(project)
        if request.issue_number is None:
            text = (request.prompt or "").strip()
            key = None if request.idempotency_key is None else f"issue:{request.idempotency_key}"
            return await forge.create_issue(
                title=title_of(text.splitlines()[0].lstrip("# ")), body=text, key=key, author=request.actor
            )
        issue = await forge.get_issue(request.issue_number)
        if issue.state != "open":
            raise ConflictError(f"issue #{issue.number} is closed", hint="reopen it, or describe the work in a new one")
        return issue

    async def _repeated(self, request: WorkRequest) -> Workflow | None:
        if request.idempotency_key is None:
            return None
        async with self.database.read() as connection:
            return await find_by_idempotency_key(connection, request.idempotency_key)

    async def _write(self, new: NewWorkflow) -> Workflow:
        try:
            async with self.database.begin() as connection:
                return await _create(connection, new)
        except DuplicateRunError as error:
            raise await self._duplicate(new) from error

    async def _duplicate(self, new: NewWorkflow) -> DuplicateRunError:
        assert new.issue_number is not None  # noqa: S101 # only issues with a number can collide
        async with self.database.read() as connection:
            live = await find_live_on_issue(connection, project_id=new.project_id, issue_number=new.issue_number)
        identity = live.adw_id if live else "?"
        return DuplicateRunError(
            f"issue #{new.issue_number} already has the live workflow {identity}",
            hint=f"see `adw workflow show {identity}`; cancel it, or merge or close its pull request, to start anew",
        )


def project_id_of(source: Path) -> str:
    """A short stable id: the folder's name and a digest of its path."""
    digest = hashlib.sha256(str(source).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in source.name.removesuffix(".git"))
    return f"{name.strip('-').lower()[:40] or 'project'}-{digest}"


def check_prompt(request: WorkRequest) -> None:
    """A request names an issue or says what to do, not both, within reason."""
    text = (request.prompt or "").strip()
    if (request.issue_number is None) == (not text):
        raise UsageError("say what to do: an issue's number or a sentence", hint='for example `adw run "Fix the date"`')
    if len(text) > _MAX_PROMPT:
        raise UsageError(
            f"the text is longer than {_MAX_PROMPT} characters", hint="put details into files of the repository"
        )
    if "\0" in text:
        raise UsageError("the text holds a NUL character", hint="remove it")


async def _create(connection: Connection, new: NewWorkflow) -> Workflow:
    workflow = await create_workflow(connection, new)
    await usage.set_budget(connection, new.adw_id, budget_usd=new.budget_usd)
    queued = NewEvent(type=EventType.WORKFLOW_QUEUED, message="queued")
    await append_event(connection, new.adw_id, queued)
    return workflow


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
