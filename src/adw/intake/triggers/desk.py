"""Works on what was written down, one row at a time, in any worker: at least once, and each effect once."""

from __future__ import annotations

import asyncio

from adw.domain.notices import (
    ChecksNotice,
    CommentNotice,
    IssueNotice,
    Notice,
    PullRequestNotice,
    PushNotice,
    ScheduleNotice,
)
from adw.domain.project import Project
from adw.domain.triggers import Outcome, Refused, Verdict, Why
from adw.intake.triggers.parts import TriggerParts
from adw.intake.triggers.pulls import on_pull_request, wake
from adw.intake.triggers.scheduled import start_scheduled
from adw.intake.triggers.starting import start_on_issue
from adw.kit.errors import AdwError, ConflictError, ForgeLimitError
from adw.kit.log import get_logger
from adw.store import deliveries
from adw.store.admission import find_by_pull_request
from adw.store.deliveries import Task
from adw.store.projects import find_by_repository

MOST_ATTEMPTS = 20
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 900.0

_log = get_logger("triggers")


class TriggerDesk:
    """One in each worker; which of them works on a row does not matter."""

    def __init__(self, parts: TriggerParts, *, hold_s: float = deliveries.HOLD_S) -> None:
        self._parts = parts
        self._hold_s = hold_s

    async def work_one(self) -> bool:
        """Takes the oldest row that is due, works on it and notes what became of it. False when there is none."""
        async with self._parts.database.begin() as connection:
            task = await deliveries.claim(connection, hold_s=self._hold_s)
        if task is None:
            return False
        project = await self._project(task.notice)
        try:
            # Whoever takes longer than the row is held must not act any more: another one does by now.
            async with asyncio.timeout(self._hold_s * 0.9):
                verdict = await self._verdict(task, project)
        except (AdwError, OSError) as error:  # running out of time is an OSError as well
            return await self._try_later(task, project, error)
        await self._settle(task, project, verdict)
        return True

    async def _verdict(self, task: Task, project: Project | None) -> Verdict:
        if task.notice is None:
            return Verdict(outcome=Outcome.FAILED, why=Why.MALFORMED, detail="the notice cannot be read any more")
        if task.attempts > MOST_ATTEMPTS:
            return Verdict(outcome=Outcome.FAILED, why=Why.GAVE_UP, detail=f"{MOST_ATTEMPTS} attempts came to nothing")
        if project is None:
            detail = f"{task.notice.origin.repository} is no project here; `adw project add` makes it one"
            return Verdict(outcome=Outcome.IGNORED, why=Why.UNKNOWN_REPOSITORY, detail=detail)
        try:
            return await self._act(task, task.notice, project)
        except Refused as refusal:
            return refusal.verdict
        except AdwError as error:
            if error.retryable and not isinstance(error, ConflictError):
                raise
            detail = error.message if error.hint is None else f"{error.message}: {error.hint}"
            return Verdict(outcome=Outcome.REFUSED, why=error.code, detail=detail)

    async def _act(self, task: Task, notice: Notice, project: Project) -> Verdict:
        parts = self._parts
        if isinstance(notice, CommentNotice):
            is_on_pull = notice.on_pull_request or await self._is_ours(project, notice.number)
            act = on_pull_request if is_on_pull else start_on_issue
            return await act(parts, task, notice, project)
        if isinstance(notice, IssueNotice):
            return await start_on_issue(parts, task, notice, project)
        if isinstance(notice, ScheduleNotice):
            return await start_scheduled(parts, notice, project)
        return await self._wake(notice, project)

    async def _wake(self, notice: PullRequestNotice | ChecksNotice | PushNotice, project: Project) -> Verdict:
        match notice:
            case PullRequestNotice():
                return await wake(
                    self._parts, project, pr_number=notice.number, sha=notice.head_sha, branch=notice.branch
                )
            case ChecksNotice():
                return await wake(self._parts, project, sha=notice.sha)
            case PushNotice():
                return await wake(self._parts, project, sha=notice.sha, branch=notice.branch)

    async def _is_ours(self, project: Project, number: int) -> bool:
        async with self._parts.database.read() as connection:
            return await find_by_pull_request(connection, project_id=project.id, number=number) is not None

    async def _project(self, notice: Notice | None) -> Project | None:
        if notice is None:
            return None
        async with self._parts.database.read() as connection:
            return await find_by_repository(connection, forge=notice.origin.forge, repository=notice.origin.repository)

    async def _settle(self, task: Task, project: Project | None, verdict: Verdict) -> None:
        async with self._parts.database.begin() as connection:
            await deliveries.settle(connection, task.id, verdict, project_id=None if project is None else project.id)
        _log.info("trigger_settled", delivery=task.id, outcome=verdict.outcome.value, reason=verdict.why)

    async def _try_later(self, task: Task, project: Project | None, error: AdwError | OSError) -> bool:
        detail = error.message if isinstance(error, AdwError) else str(error) or "it took too long"
        if task.attempts >= MOST_ATTEMPTS:
            given_up = Verdict(outcome=Outcome.FAILED, why=Why.GAVE_UP, detail=detail)
            await self._settle(task, project, given_up)
            return True
        pause_s = min(FIRST_PAUSE_S * 2 ** (task.attempts - 1), LONGEST_PAUSE_S)
        if isinstance(error, ForgeLimitError) and error.until is not None:
            pause_s = max(pause_s, (error.until - self._parts.clock.now()).total_seconds())
        async with self._parts.database.begin() as connection:
            await deliveries.postpone(connection, task.id, by_s=pause_s, detail=detail)
        _log.warning("trigger_postponed", delivery=task.id, pause_s=pause_s, reason=detail)
        return True
