"""Checks on GitHub: check runs and the older commit statuses, told in one way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from datetime import datetime

from adw.domain.forge_checks import Check, CheckState
from adw.forge.github.check_logs import read_log
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.repository import items_of, read, segment
from adw.forge.github.desk import Desk
from adw.forge.github.slices.base import LONG_AGO
from adw.forge.github.slices.checks import CheckRunSlice, CombinedStatusSlice, StatusSlice, WorkflowRunSlice
from adw.kit.errors import ForgeDeniedError, ForgeUnclearError, NotFoundError, UsageError

ACTIONS = "github-actions"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MISSING = frozenset({FailureKind.NOT_FOUND, FailureKind.INVALID, FailureKind.GONE})
_CANNOT = frozenset({*_MISSING, FailureKind.DENIED, FailureKind.CONFLICT})
_CONCLUSIONS = {
    "success": CheckState.PASSED,
    "neutral": CheckState.NEUTRAL,
    "skipped": CheckState.NEUTRAL,
    "failure": CheckState.FAILED,
    "error": CheckState.FAILED,
    "timed_out": CheckState.FAILED,
    "cancelled": CheckState.FAILED,
    "action_required": CheckState.FAILED,
    "startup_failure": CheckState.FAILED,
    "stale": CheckState.FAILED,
    "pending": CheckState.PENDING,
}
_WORST_FIRST = (CheckState.FAILED, CheckState.PENDING, CheckState.PASSED, CheckState.NEUTRAL)


class GitHubChecks:
    """Implements the part of `adw.ports.forge.CheckForge` about checks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list_checks(self, sha: str) -> list[Check]:
        if _SHA.fullmatch(sha) is None:
            return []
        runs = [(run.app.slug, _from_run(run, sha)) for run in await self._runs(sha)]
        statuses = [("", _from_status(status, sha)) for status in await self._statuses(sha)]
        return _latest([*runs, *statuses])

    async def check_log(self, check: Check, *, most_chars: int = 60_000) -> str:
        return await read_log(self._desk.api, check, most_chars=most_chars)

    async def rerun_check(self, check: Check) -> bool:
        kind, _, number = check.id.partition(":")
        if not check.can_rerun or kind not in {"job", "run"}:
            return False
        path = f"/actions/jobs/{number}/rerun" if kind == "job" else f"/check-runs/{number}/rerequest"
        for pause_s in (*self._desk.effects.looks_s, None):
            try:
                answer = await self._desk.api.send(
                    "POST", path, what=f"run {check.name} again", accept=_CANNOT, makes_content=False
                )
            except ForgeUnclearError:
                if await self._has_begun_again(check):
                    return True
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return answer.failure is None
        raise AssertionError

    async def _has_begun_again(self, check: Check) -> bool:
        for present in await self.list_checks(check.sha):
            if present.name == check.name:
                return present.id != check.id or present.state is CheckState.PENDING
        return False

    async def _runs(self, sha: str) -> list[CheckRunSlice]:
        path, query, what = f"/commits/{sha}/check-runs", {"filter": "latest"}, f"read the checks of {sha[:12]}"
        found: list[CheckRunSlice] = []
        try:
            async for page in self._desk.api.pages(path, what=what, query=query):
                found += [read(CheckRunSlice, item) for item in items_of(page, within="check_runs")]
        except ForgeDeniedError:
            return await self._jobs(sha)  # some tokens may see actions but no checks
        except (NotFoundError, UsageError):
            return []  # a commit that was just pushed is not known everywhere yet
        return found

    async def _jobs(self, sha: str) -> list[CheckRunSlice]:
        what, found = f"read the jobs of {sha[:12]}", list[CheckRunSlice]()
        query = {"head_sha": sha}
        async for run in self._desk.api.each(
            WorkflowRunSlice, "/actions/runs", what=what, query=query, within="workflow_runs"
        ):
            async for job in self._desk.api.each(
                CheckRunSlice, f"/actions/runs/{run.id}/jobs", what=what, query={"filter": "latest"}, within="jobs"
            ):
                found.append(job.model_copy(update={"app": job.app.model_copy(update={"slug": ACTIONS})}))
        return found

    async def _statuses(self, sha: str) -> list[StatusSlice]:
        path, what = f"/commits/{segment(sha)}/status", f"read the statuses of {sha[:12]}"
        found: list[StatusSlice] = []
        try:
            async for page in self._desk.api.pages(path, what=what):
                found += read(CombinedStatusSlice, page.json()).statuses
        except (ForgeDeniedError, NotFoundError, UsageError):
            return []
        return found


def _from_run(run: CheckRunSlice, sha: str) -> Check:
    is_job = run.app.slug == ACTIONS
    state = _CONCLUSIONS.get(run.conclusion or "", CheckState.FAILED)
    is_over = run.status == "completed"
    return Check(
        id=f"{'job' if is_job else 'run'}:{run.id}",
        name=run.name,
        sha=sha,
        state=state if is_over else CheckState.PENDING,
        conclusion=run.conclusion,
        summary="\n\n".join(filter(None, (run.output.title, run.output.summary))),
        url=run.html_url or run.details_url,
        started_at=run.started_at,
        completed_at=run.completed_at if is_over else None,
        can_rerun=is_over,
    )


def _from_status(status: StatusSlice, sha: str) -> Check:
    state = _CONCLUSIONS.get(status.state, CheckState.PENDING)
    return Check(
        id=f"status:{status.context}",
        name=status.context,
        sha=sha,
        state=state,
        conclusion=status.state,
        summary=status.description,
        url=status.target_url,
        started_at=status.created_at,
        completed_at=None if state is CheckState.PENDING else status.updated_at,
    )


def _latest(found: Iterable[tuple[str, Check]]) -> list[Check]:
    """The latest of each name and runner; when different runners use one name, the worst of theirs."""
    by_runner: dict[tuple[str, str], Check] = {}
    for runner, check in found:
        before = by_runner.get((check.name, runner))
        if before is None or _when(check) >= _when(before):
            by_runner[check.name, runner] = check
    by_name: dict[str, Check] = {}
    for check in by_runner.values():
        before = by_name.get(check.name)
        if before is None or _WORST_FIRST.index(check.state) < _WORST_FIRST.index(before.state):
            by_name[check.name] = check
    return sorted(by_name.values(), key=lambda check: check.name)


def _when(check: Check) -> tuple[datetime, int]:
    number = check.id.partition(":")[2]
    return check.started_at or check.completed_at or LONG_AGO, int(number) if number.isdigit() else 0
