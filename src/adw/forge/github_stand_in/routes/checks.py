"""Check runs, check suites and commit statuses."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.effects.checks import Report
from adw.forge.github_stand_in.errors import RefusedError, not_found, unprocessable
from adw.forge.github_stand_in.records import CheckRun, CheckSuite
from adw.forge.github_stand_in.repositories.history import read_commits
from adw.forge.github_stand_in.routes.commits import find_sha
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.checks import (
    check_run_json,
    check_suite_json,
    combined_json,
    runs_of,
    status_json,
)

_REPO = "/repos/{owner}/{repo}"
_RUN = f"{_REPO}/check-runs/{{check_run_id}}"
_SUITE = f"{_REPO}/check-suites/{{check_suite_id}}"
Conclusion = Literal["action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"]
RunStatus = Literal["queued", "in_progress", "completed", "waiting", "requested", "pending"]


class Output(BaseModel):
    """What a check tells people."""

    title: str | None = None
    summary: str | None = None
    text: str | None = None


class RunText(BaseModel):
    """What creating and changing a check run have in common."""

    status: RunStatus | None = None
    conclusion: Conclusion | None = None
    details_url: str | None = None
    external_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: Output = Output()


class NewRun(RunText):
    """A check run to make."""

    name: str = Field(min_length=1)
    head_sha: str


class RunEdit(RunText):
    """Changes of a check run."""

    name: str | None = None


class NewStatus(BaseModel):
    """A status to report."""

    state: Literal["error", "failure", "pending", "success"]
    target_url: str | None = None
    description: str | None = Field(default=None, max_length=140)
    context: str = "default"


@route("POST", f"{_REPO}/check-runs")
async def create_check_run(call: Call) -> Reply:
    """Only apps may."""
    app = _app(call)
    new = call.read(NewRun)
    sha = await find_sha(call, new.head_sha)
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {new.head_sha}")
    run = await call.effects.checks.create(call.repo, name=new.name, sha=sha, app=app, report=_report(new))
    return Reply(status=201, json=check_run_json(call.shapes, call.repo, run))


@route("PATCH", _RUN)
async def edit_check_run(call: Call) -> Reply:
    app, run, edit = _app(call), _run(call), call.read(RunEdit)
    if run.app != app:
        raise RefusedError(403, "Invalid app_id `check_run` can only be modified by the GitHub App that created it.")
    run.name = edit.name or run.name
    report = _report(edit)
    report.status = edit.status or ("completed" if edit.conclusion else run.status)
    report.title, report.summary = report.title or run.title, report.summary or run.summary
    report.text = report.text or run.text
    report.conclusion = report.conclusion or (run.conclusion if report.status == "completed" else None)
    await call.effects.checks.update(call.repo, run, report)
    return Reply(json=check_run_json(call.shapes, call.repo, run))


@route("GET", _RUN)
async def get_check_run(call: Call) -> Reply:
    return Reply(json=check_run_json(call.shapes, call.repo, _run(call)))


@route("GET", f"{_RUN}/annotations")
async def list_annotations(call: Call) -> Reply:
    _run(call)
    return call.page([])


@route("POST", f"{_RUN}/rerequest")
async def rerequest_check_run(call: Call) -> Reply:
    run = _run(call)
    if run.status != "completed":
        raise unprocessable("This check run is not rerequestable")
    await call.effects.checks.rerun(call.repo, run, sender=call.login)
    return Reply(status=201, json={})


@route("GET", f"{_REPO}/commits/{{ref}}/check-runs")
async def list_check_runs(call: Call) -> Reply:
    sha = await _commit(call)
    suites = [suite for suite in call.repo.suites.values() if suite.head_sha == sha]
    return _runs(call, [run for suite in suites for run in _shown_runs(call, suite)])


@route("GET", f"{_SUITE}/check-runs")
async def list_check_runs_of_suite(call: Call) -> Reply:
    return _runs(call, _shown_runs(call, _suite(call)))


@route("GET", _SUITE)
async def get_check_suite(call: Call) -> Reply:
    suite = _suite(call)
    commit = (await read_commits(call.effects.core.git(call.repo), suite.head_sha))[0]
    return Reply(json=check_suite_json(call.shapes, call.repo, suite, commit))


@route("GET", f"{_REPO}/commits/{{ref}}/check-suites")
async def list_check_suites(call: Call) -> Reply:
    sha = await _commit(call)
    commit = (await read_commits(call.effects.core.git(call.repo), sha))[0]
    suites = [suite for suite in call.repo.suites.values() if suite.head_sha == sha]
    return call.page(
        suites, shape=lambda suite: check_suite_json(call.shapes, call.repo, suite, commit), key="check_suites"
    )


@route("POST", f"{_REPO}/statuses/{{sha}}")
async def create_status(call: Call) -> Reply:
    new = call.read(NewStatus)
    sha = await find_sha(call, call.parts["sha"])
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {call.parts['sha']}")
    status = await call.effects.checks.set_status(
        call.repo,
        sha=sha,
        state=new.state,
        context=new.context,
        creator=call.login,
        description=new.description,
        target_url=new.target_url,
    )
    return Reply(status=201, json=status_json(call.shapes, call.repo, status))


@route("GET", f"{_REPO}/commits/{{ref}}/statuses")
async def list_statuses(call: Call) -> Reply:
    """Newest first."""
    sha = await _commit(call)
    found = [status for status in reversed(call.repo.statuses) if status.sha == sha]
    return call.page(found, shape=lambda status: status_json(call.shapes, call.repo, status))


@route("GET", f"{_REPO}/commits/{{ref}}/status")
async def get_combined_status(call: Call) -> Reply:
    sha = await _commit(call)
    latest = {status.context: status for status in call.repo.statuses if status.sha == sha}
    return Reply(json=combined_json(call.shapes, call.repo, sha, list(latest.values())))


def _app(call: Call) -> str:
    installation = call.world.installations.get((call.actor.credential and call.actor.credential.installation) or 0)
    if installation is None:
        raise RefusedError(403, "You must authenticate via a GitHub App.")
    return installation.app


def _run(call: Call) -> CheckRun:
    run = call.repo.runs.get(call.number("check_run_id"))
    if run is None:
        raise not_found()
    return run


def _suite(call: Call) -> CheckSuite:
    suite = call.repo.suites.get(call.number("check_suite_id"))
    if suite is None:
        raise not_found()
    return suite


async def _commit(call: Call) -> str:
    sha = await find_sha(call, call.parts["ref"])
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {call.parts['ref']}")
    return sha


def _report(text: RunText) -> Report:
    return Report(
        status=text.status or "queued",
        conclusion=text.conclusion or ("success" if text.status == "completed" else None),
        title=text.output.title,
        summary=text.output.summary,
        text=text.output.text,
        external_id=text.external_id or "",
        details_url=text.details_url,
        started_at=text.started_at,
        completed_at=text.completed_at,
    )


def _shown_runs(call: Call, suite: CheckSuite) -> list[CheckRun]:
    if call.query.get("filter") == "all":
        return [run for run in call.repo.runs.values() if run.suite == suite.id]
    return runs_of(call.repo, suite)


def _runs(call: Call, runs: list[CheckRun]) -> Reply:
    name, status = call.query.get("check_name"), call.query.get("status")
    chosen = [run for run in runs if name in {None, run.name} and status in {None, run.status}]
    return call.page(chosen, shape=lambda run: check_run_json(call.shapes, call.repo, run), key="check_runs")
