"""Jobs and runs of the actions app, their logs, and running them again."""

from __future__ import annotations

from adw.forge.github_stand_in.asgi import Reply
from adw.forge.github_stand_in.errors import RefusedError, not_found
from adw.forge.github_stand_in.records import ACTIONS_APP, CheckRun, CheckSuite
from adw.forge.github_stand_in.repositories.history import read_commits
from adw.forge.github_stand_in.routing import Call, route
from adw.forge.github_stand_in.shapes.checks import job_json, runs_of, workflow_run_json

_ACTIONS = "/repos/{owner}/{repo}/actions"
_JOB = f"{_ACTIONS}/jobs/{{job_id}}"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"


@route("GET", _JOB)
async def get_job(call: Call) -> Reply:
    return Reply(json=job_json(call.shapes, call.repo, _job(call)))


@route("GET", f"{_JOB}/logs")
async def get_job_logs(call: Call) -> Reply:
    """Where they are: another address, that wants no token."""
    job = _job(call)
    return Reply(status=302, headers={"location": f"{call.world.web_url}/_logs/{call.repo.full_name}/{job.id}.txt"})


@route("POST", f"{_JOB}/rerun")
async def rerun_job(call: Call) -> Reply:
    job = _job(call)
    if job.status != "completed":
        raise RefusedError(403, "This job is already running")
    await call.effects.checks.rerun(call.repo, job, sender=call.login)
    return Reply(status=201, json={})


@route("GET", f"{_ACTIONS}/runs")
async def list_runs(call: Call) -> Reply:
    wanted = {name: call.query.get(name) for name in ("head_sha", "branch")}
    found = [
        suite
        for suite in reversed(call.repo.suites.values())
        if suite.app == ACTIONS_APP
        and wanted["head_sha"] in {None, suite.head_sha}
        and wanted["branch"] in {None, suite.head_branch}
    ]
    git = call.effects.core.git(call.repo)
    commits = {commit.sha: commit for commit in await read_commits(git, *{suite.head_sha for suite in found})}
    return call.page(
        found,
        shape=lambda suite: workflow_run_json(call.shapes, call.repo, suite, commits[suite.head_sha]),
        key="workflow_runs",
    )


@route("GET", _RUN)
async def get_run(call: Call) -> Reply:
    suite = _run(call)
    commit = (await read_commits(call.effects.core.git(call.repo), suite.head_sha))[0]
    return Reply(json=workflow_run_json(call.shapes, call.repo, suite, commit))


@route("GET", f"{_RUN}/jobs")
async def list_jobs(call: Call) -> Reply:
    suite = _run(call)
    every = [run for run in call.repo.runs.values() if run.suite == suite.id]
    jobs = every if call.query.get("filter") == "all" else runs_of(call.repo, suite)
    return call.page(jobs, shape=lambda job: job_json(call.shapes, call.repo, job), key="jobs")


@route("POST", f"{_RUN}/rerun")
async def rerun_run(call: Call) -> Reply:
    return await _rerun(call, only_failed=False)


@route("POST", f"{_RUN}/rerun-failed-jobs")
async def rerun_failed_jobs(call: Call) -> Reply:
    return await _rerun(call, only_failed=True)


async def _rerun(call: Call, *, only_failed: bool) -> Reply:
    for job in runs_of(call.repo, _run(call)):
        if not only_failed or job.conclusion not in {"success", "skipped", "neutral"}:
            await call.effects.checks.rerun(call.repo, job, sender=call.login)
    return Reply(status=201, json={})


def _job(call: Call) -> CheckRun:
    job = call.repo.runs.get(call.number("job_id"))
    if job is None or job.app != ACTIONS_APP:
        raise not_found()
    return job


def _run(call: Call) -> CheckSuite:
    suite = call.repo.suites.get(call.number("run_id"))
    if suite is None or suite.app != ACTIONS_APP:
        raise not_found()
    return suite
