"""Check runs and statuses, and what they say of a commit together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from adw.forge.github_stand_in.effects.core import Core
from adw.forge.github_stand_in.records import ACTIONS_APP, CheckRun, CheckSuite, Repository, Status
from adw.forge.github_stand_in.repositories.history import Commit, read_commits
from adw.forge.github_stand_in.shapes.checks import (
    check_run_json,
    check_suite_json,
    job_json,
    status_json,
    workflow_run_json,
)
from adw.forge.github_stand_in.shapes.commits import commit_json

PASSING = frozenset({"success", "neutral", "skipped"})
Changed = Callable[[Repository, str], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Report:
    """What a check says of itself."""

    status: str = "completed"
    conclusion: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    external_id: str = ""
    details_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    log: str = ""


class Checks:
    """`changed` is asked after every change of a commit's checks: it may let a merge go on."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.changed: Changed | None = None

    async def create(self, repository: Repository, *, name: str, sha: str, app: str, report: Report) -> CheckRun:
        world = self._core.world
        suite = self.suite(repository, sha=sha, app=app)
        run = CheckRun(
            id=world.new_id(),
            suite=suite.id,
            app=app,
            name=name,
            head_sha=sha,
            status="queued",
            conclusion=None,
            started_at=None,
            completed_at=None,
            created_at=world.now(),
            attempt=suite.attempt,
        )
        repository.runs[run.id] = run
        self._fill(run, report)
        await self._tell(repository, run, "created")
        if run.status == "completed":
            await self._completed(repository, run)
        return run

    async def update(self, repository: Repository, run: CheckRun, report: Report) -> None:
        """Raises nothing; a run that ends is told as completed."""
        was = run.status
        self._fill(run, report)
        repository.suites[run.suite].updated_at = self._core.world.now()
        if run.status == "completed" and was != "completed":
            await self._completed(repository, run)

    async def rerun(self, repository: Repository, run: CheckRun, *, sender: str) -> CheckRun:
        """A new attempt under the same name, waiting to be run; its app is told that it was asked for."""
        await self._tell(repository, run, "rerequested", sender=sender)
        repository.suites[run.suite].attempt += 1
        report = Report(status="queued", external_id=run.external_id, details_url=run.details_url)
        return await self.create(repository, name=run.name, sha=run.head_sha, app=run.app, report=report)

    def suite(self, repository: Repository, *, sha: str, app: str) -> CheckSuite:
        """The suite of an app on a commit, made if there is none."""
        self._core.world.app_of(app)
        for suite in repository.suites.values():
            if suite.head_sha == sha and suite.app == app:
                return suite
        now = self._core.world.now()
        branch = next(
            (ref[11:] for ref, at in repository.refs.items() if at == sha and ref[:11] == "refs/heads/"), None
        )
        suite = CheckSuite(
            id=self._core.world.new_id(), app=app, head_sha=sha, head_branch=branch, created_at=now, updated_at=now
        )
        repository.suites[suite.id] = suite
        return suite

    async def set_status(
        self,
        repository: Repository,
        *,
        sha: str,
        state: str,
        context: str,
        creator: str,
        description: str | None = None,
        target_url: str | None = None,
    ) -> Status:
        status = Status(
            id=self._core.world.new_id(),
            sha=sha,
            context=context,
            state=state,
            description=description,
            target_url=target_url,
            creator=creator,
            created_at=self._core.world.now(),
        )
        repository.statuses.append(status)
        await self._tell_status(repository, status)
        await self._settled(repository, sha)
        return status

    def words_of(self, repository: Repository, sha: str) -> dict[str, str | None]:
        """How each check and status of a commit ended, by name; None for those still at it."""
        words: dict[str, str | None] = {}
        for run in repository.runs.values():
            if run.head_sha == sha:
                words[run.name] = run.conclusion if run.status == "completed" else None
        for status in repository.statuses:
            if status.sha == sha:
                words[status.context] = None if status.state == "pending" else status.state
        return words

    def _fill(self, run: CheckRun, report: Report) -> None:
        now = self._core.world.now()
        run.status = "completed" if report.conclusion else report.status
        run.conclusion = report.conclusion
        run.started_at = report.started_at or run.started_at or now
        run.completed_at = (report.completed_at or now) if run.status == "completed" else None
        run.title, run.summary, run.text = report.title, report.summary, report.text
        run.external_id = report.external_id or run.external_id
        run.details_url = report.details_url or run.details_url
        run.log = report.log or run.log

    async def _completed(self, repository: Repository, run: CheckRun) -> None:
        await self._tell(repository, run, "completed")
        suite = repository.suites[run.suite]
        suite.updated_at = self._core.world.now()
        commit = await self._commit(repository, run.head_sha)
        shown = check_suite_json(self._core.shapes, repository, suite, commit)
        if shown["status"] == "completed":
            sender = self._sender(run)
            self._core.tell(repository, "check_suite", sender=sender, action="completed", check_suite=shown)
            if run.app == ACTIONS_APP:
                ran = workflow_run_json(self._core.shapes, repository, suite, commit)
                parts = {"workflow_run": ran, "workflow": self._workflow(repository)}
                self._core.tell(repository, "workflow_run", sender=sender, action="completed", **parts)
        await self._settled(repository, run.head_sha)

    async def _tell(self, repository: Repository, run: CheckRun, action: str, *, sender: str | None = None) -> None:
        shown = check_run_json(self._core.shapes, repository, run)
        suite, commit = repository.suites[run.suite], await self._commit(repository, run.head_sha)
        shown["check_suite"] = check_suite_json(self._core.shapes, repository, suite, commit)
        by = sender or self._sender(run)
        self._core.tell(repository, "check_run", sender=by, action=action, check_run=shown)
        if run.app == ACTIONS_APP and action in {"created", "completed"}:
            word = "queued" if action == "created" else action
            job = job_json(self._core.shapes, repository, run)
            self._core.tell(repository, "workflow_job", sender=by, action=word, workflow_job=job)

    async def _tell_status(self, repository: Repository, status: Status) -> None:
        commit = commit_json(self._core.shapes, repository, await self._commit(repository, status.sha))
        shown = status_json(self._core.shapes, repository, status)
        names = ("id", "sha", "target_url", "avatar_url", "context", "description", "state", "created_at", "updated_at")
        parts = {name: shown.get(name) for name in names} | {"sha": status.sha, "name": repository.full_name}
        branches = [ref[11:] for ref, sha in repository.refs.items() if sha == status.sha and ref[:11] == "refs/heads/"]
        url = self._core.shapes.repo_url(repository)
        parts["branches"] = [
            {"name": name, "commit": {"sha": status.sha, "url": f"{url}/commits/{status.sha}"}, "protected": False}
            for name in branches
        ]
        self._core.tell(repository, "status", sender=status.creator, commit=commit, **parts)

    async def _commit(self, repository: Repository, sha: str) -> Commit:
        return (await read_commits(self._core.git(repository), sha))[0]

    async def _settled(self, repository: Repository, sha: str) -> None:
        if self.changed is not None:
            await self.changed(repository, sha)

    def _workflow(self, repository: Repository) -> dict[str, object]:
        url, at = self._core.shapes.repo_url(repository), repository.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        path = ".github/workflows/ci.yml"
        web = self._core.shapes.web(repository)
        return {
            "id": 1,
            "node_id": "W_000000000001",
            "name": "ci",
            "path": path,
            "state": "active",
            "created_at": at,
            "updated_at": at,
            "url": f"{url}/actions/workflows/1",
            "html_url": f"{web}/blob/{repository.default_branch}/{path}",
            "badge_url": f"{web}/workflows/ci/badge.svg",
        }

    @staticmethod
    def _sender(run: CheckRun) -> str:
        return f"{run.app}[bot]"
