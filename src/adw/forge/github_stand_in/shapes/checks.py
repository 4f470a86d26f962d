"""Check runs and suites, commit statuses, and the jobs and runs of the actions app."""

from __future__ import annotations

from adw.forge.github_stand_in.records import CheckRun, CheckSuite, Repository, Status
from adw.forge.github_stand_in.repositories.history import Commit
from adw.forge.github_stand_in.shapes.commits import simple_commit
from adw.forge.github_stand_in.shapes.core import Json, Shapes, moment, node
from adw.forge.github_stand_in.shapes.repositories import repository_of
from adw.forge.github_stand_in.world import open_pulls

_ORDER = ("failure", "timed_out", "cancelled", "action_required", "success", "neutral", "skipped")


def runs_of(repository: Repository, suite: CheckSuite) -> list[CheckRun]:
    """The latest run of each name in a suite."""
    latest = {run.name: run for run in repository.runs.values() if run.suite == suite.id}
    return list(latest.values())


def state_of(repository: Repository, suite: CheckSuite) -> tuple[str, str | None]:
    """How a suite stands: the worst of its runs once all are done."""
    runs = runs_of(repository, suite)
    if not runs:
        return "queued", None
    if any(run.status != "completed" for run in runs):
        return ("in_progress" if any(run.status != "queued" for run in runs) else "queued"), None
    found = {run.conclusion for run in runs}
    return "completed", next((word for word in _ORDER if word in found), "success")


def check_run_json(shapes: Shapes, repository: Repository, run: CheckRun) -> Json:
    url = f"{shapes.repo_url(repository)}/check-runs/{run.id}"
    web = f"{shapes.web(repository)}/runs/{run.id}"
    return {
        "id": run.id,
        "node_id": node("CR", run.id),
        "head_sha": run.head_sha,
        "external_id": run.external_id,
        "url": url,
        "html_url": web,
        "details_url": run.details_url or web,
        "status": run.status,
        "conclusion": run.conclusion,
        "started_at": moment(run.started_at),
        "completed_at": moment(run.completed_at),
        "output": {
            "title": run.title,
            "summary": run.summary,
            "text": run.text,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "name": run.name,
        "check_suite": {"id": run.suite},
        "app": shapes.app(shapes.world.app_of(run.app)),
        "pull_requests": pulls_at(shapes, repository, run.head_sha),
    }


def check_suite_json(shapes: Shapes, repository: Repository, suite: CheckSuite, commit: Commit) -> Json:
    url = f"{shapes.repo_url(repository)}/check-suites/{suite.id}"
    status, conclusion = state_of(repository, suite)
    return {
        "id": suite.id,
        "node_id": node("CS", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "status": status,
        "conclusion": conclusion,
        "url": url,
        "before": None,
        "after": suite.head_sha,
        "pull_requests": pulls_at(shapes, repository, suite.head_sha),
        "app": shapes.app(shapes.world.app_of(suite.app)),
        "repository": repository_of(shapes, repository),
        "created_at": moment(suite.created_at),
        "updated_at": moment(suite.updated_at),
        "head_commit": simple_commit(commit),
        "latest_check_runs_count": len(runs_of(repository, suite)),
        "check_runs_url": f"{url}/check-runs",
        "rerequestable": True,
        "runs_rerequestable": True,
    }


def job_json(shapes: Shapes, repository: Repository, run: CheckRun) -> Json:
    """A check run of the actions app as a job; both have one id."""
    api = shapes.repo_url(repository)
    begun = run.started_at or run.created_at
    step: Json = {
        "name": run.name,
        "status": "completed" if run.status == "completed" else "in_progress",
        "conclusion": run.conclusion,
        "number": 1,
        "started_at": moment(run.started_at),
        "completed_at": moment(run.completed_at),
    }
    return {
        "id": run.id,
        "node_id": node("CR", run.id),
        "run_id": run.suite,
        "run_url": f"{api}/actions/runs/{run.suite}",
        "run_attempt": run.attempt,
        "head_sha": run.head_sha,
        "head_branch": repository.suites[run.suite].head_branch,
        "url": f"{api}/actions/jobs/{run.id}",
        "html_url": f"{shapes.web(repository)}/actions/runs/{run.suite}/job/{run.id}",
        "check_run_url": f"{api}/check-runs/{run.id}",
        "status": run.status,
        "conclusion": run.conclusion,
        "created_at": moment(run.created_at),
        "started_at": moment(begun),
        "completed_at": moment(run.completed_at),
        "name": run.name,
        "workflow_name": "ci",
        "steps": [step],
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "stand-in",
        "runner_group_id": 1,
        "runner_group_name": "default",
    }


def workflow_run_json(shapes: Shapes, repository: Repository, suite: CheckSuite, commit: Commit) -> Json:
    """A suite of the actions app as a workflow run; both have one id."""
    api = shapes.repo_url(repository)
    url = f"{api}/actions/runs/{suite.id}"
    status, conclusion = state_of(repository, suite)
    actor = shapes.someone(repository.owner)
    ways = {name: f"{url}/{name}" for name in ("jobs", "logs", "artifacts", "cancel", "rerun")}
    return {
        "id": suite.id,
        "name": "ci",
        "node_id": node("WFR", suite.id),
        "head_branch": suite.head_branch,
        "head_sha": suite.head_sha,
        "path": ".github/workflows/ci.yml",
        "display_title": commit.message.partition("\n")[0],
        "run_number": 1,
        "run_attempt": suite.attempt,
        "event": "push",
        "status": status,
        "conclusion": conclusion,
        "workflow_id": 1,
        "check_suite_id": suite.id,
        "check_suite_node_id": node("CS", suite.id),
        "url": url,
        "html_url": f"{shapes.web(repository)}/actions/runs/{suite.id}",
        "pull_requests": pulls_at(shapes, repository, suite.head_sha),
        "created_at": moment(suite.created_at),
        "updated_at": moment(suite.updated_at),
        "run_started_at": moment(suite.created_at),
        "actor": actor,
        "triggering_actor": actor,
        **{f"{name}_url": way for name, way in ways.items()},
        "check_suite_url": f"{api}/check-suites/{suite.id}",
        "workflow_url": f"{api}/actions/workflows/1",
        "previous_attempt_url": None,
        "head_commit": simple_commit(commit),
        "repository": repository_of(shapes, repository),
        "head_repository": repository_of(shapes, repository),
    }


def status_json(shapes: Shapes, repository: Repository, status: Status) -> Json:
    creator = shapes.someone(status.creator)
    return {**_simple_status(shapes, repository, status), "creator": creator, "avatar_url": creator["avatar_url"]}


def combined_json(shapes: Shapes, repository: Repository, sha: str, latest: list[Status]) -> Json:
    """What all statuses together say; with none they are pending, as GitHub has it."""
    states = {status.state for status in latest}
    bad, waiting = states & {"failure", "error"}, "pending" in states or not states
    url = f"{shapes.repo_url(repository)}/commits/{sha}"
    return {
        "state": "failure" if bad else "pending" if waiting else "success",
        "statuses": [_simple_status(shapes, repository, status) for status in latest],
        "sha": sha,
        "total_count": len(latest),
        "repository": repository_of(shapes, repository),
        "commit_url": url,
        "url": f"{url}/status",
    }


def pulls_at(shapes: Shapes, repository: Repository, sha: str) -> list[Json]:
    """The open pull requests of a commit, in the shortest form."""
    repo: Json = {"id": repository.id, "url": shapes.repo_url(repository), "name": repository.name}
    return [
        {
            "id": pull.id,
            "number": issue.number,
            "url": f"{shapes.repo_url(repository)}/pulls/{issue.number}",
            "head": {"ref": pull.head_ref, "sha": pull.head_sha, "repo": repo},
            "base": {"ref": pull.base_ref, "sha": pull.base_sha, "repo": repo},
        }
        for issue, pull in open_pulls(repository)
        if pull.head_sha == sha
    ]


def _simple_status(shapes: Shapes, repository: Repository, status: Status) -> Json:
    return {
        "id": status.id,
        "node_id": node("SC", status.id),
        "state": status.state,
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "url": f"{shapes.repo_url(repository)}/statuses/{status.sha}",
        "avatar_url": shapes.someone(status.creator)["avatar_url"],
        "created_at": moment(status.created_at),
        "updated_at": moment(status.created_at),
    }
