"""Looks at projects on GitHub from time to time, for those whose webhooks do not reach us, and for what got lost.

One worker looks at a project at a time. What is found is written down together with the place up to which it was
found, so nothing is lost and nothing is told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from adw.domain.changes import Changes, LabelChange
from adw.domain.config import TriggersTable
from adw.domain.forge import Issue
from adw.domain.project import Project
from adw.domain.trigger_rules import is_trigger_label
from adw.intake.triggers import TriggerParts, arrivals_of, first_arrivals, labelled_numbers
from adw.kit.errors import AdwError, ConfigurationError, ForgeLimitError, NotFoundError, UsageError
from adw.store.deliveries import Arrival, record
from adw.store.projects import get_project
from adw.store.schedules import follow_file
from adw.store.trigger_polls import LEASE_S, Look, claim_poll, end_poll, is_owner

SWITCHED_OFF_S = 300.0
"""How often the settings of a project that is not polled are looked at again."""
LONGEST_PAUSE_S = 3600.0
MOST_FIRST_ISSUES = 500
"""Open issues whose labels are looked at when a project is looked at for the first time."""

_log = structlog.get_logger(component="poller")


class ChangeSource(Protocol):
    """Tells what happened in a repository (`owner/name`)."""

    async def changes(self, full_name: str, cursor: str | None) -> Changes:
        """Since the cursor was given out; None begins now, with nothing to tell."""
        ...

    async def label_changes(self, full_name: str, number: int) -> Sequence[LabelChange]:
        """Who put which label on an issue and took which off, oldest first."""
        ...


class Poller:
    """One in each worker; the database says whose turn it is."""

    def __init__(self, parts: TriggerParts, source: ChangeSource, *, owner: str, lease_s: float = LEASE_S) -> None:
        self._parts = parts
        self._source = source
        self._owner = owner
        self._lease_s = lease_s

    async def look_one(self) -> bool:
        """Looks at the project whose turn it is. False when it is no project's turn."""
        async with self._parts.database.begin() as connection:
            look = await claim_poll(connection, owner=self._owner, lease_s=self._lease_s)
            project = None if look is None else await get_project(connection, look.project_id)
        if look is None or project is None:
            return False
        triggers = await self._settings(project)
        if not triggers.poll_s:
            await self._end(look, again_in_s=SWITCHED_OFF_S)
            return True
        try:
            # Somebody else may look when the lease is over, so by then this look must have ended.
            async with asyncio.timeout(self._lease_s * 0.9):
                await self._look(look, project, triggers)
        except (AdwError, TimeoutError) as error:
            await self._put_off(look, project, triggers, error)
        return True

    async def _look(self, look: Look, project: Project, triggers: TriggersTable) -> None:
        first_number: int | None = None
        if look.cursor is None:
            changes = await self._source.changes(project.source, None)
            first_number, arrivals = await self._first(project, triggers)
        else:
            changes = await self._changes(project, look.cursor)
            arrivals = await self._news(look, project, changes)
        async with self._parts.database.begin() as connection:
            if not await is_owner(connection, project_id=project.id, owner=self._owner):
                return
            for arrival in arrivals:
                await record(connection, arrival)
            await end_poll(
                connection,
                project_id=project.id,
                owner=self._owner,
                again_in_s=triggers.poll_s if changes.is_complete else 0.0,
                cursor=changes.cursor,
                first_number=first_number,
            )
        if arrivals:
            _log.info("changes_found", project=project.id, count=len(arrivals))

    async def _changes(self, project: Project, cursor: str) -> Changes:
        try:
            return await self._source.changes(project.source, cursor)
        except UsageError:
            _log.warning("cursor_unreadable", project=project.id)
            return await self._source.changes(project.source, None)

    async def _news(self, look: Look, project: Project, changes: Changes) -> list[Arrival]:
        forge = self._parts.forge_of(project)
        others: list[Issue] = []
        for number in sorted(labelled_numbers(changes)):
            try:
                others.append(await forge.get_issue(number))
            except NotFoundError:
                continue
        after = look.first_number or 0
        return arrivals_of(project, changes, after_number=after, new_since=look.new_since, issues=others)

    async def _first(self, project: Project, triggers: TriggersTable) -> tuple[int, list[Arrival]]:
        """What is there already counts only where an open issue carries a label that starts work.

        The highest number there is comes with it.
        """
        forge = self._parts.forge_of(project)
        newest = max((issue.number for issue in await forge.list_issues(state=None, limit=1)), default=0)
        issues = await forge.list_issues(state="open", limit=MOST_FIRST_ISSUES)
        carrying = [
            issue for issue in issues if any(is_trigger_label(label, triggers.labels) for label in issue.labels)
        ]
        labels: list[LabelChange] = []
        for issue in carrying:
            labels += await self._source.label_changes(project.source, issue.number)
        return newest, first_arrivals(project, carrying, triggers, labels=labels)

    async def _settings(self, project: Project) -> TriggersTable:
        """Those on the base branch; its schedules are taken over on the way. Usual ones where they cannot be read."""
        try:
            triggers = (await self._parts.config_of(project)).triggers
        except ConfigurationError as error:
            _log.warning("settings_unusable", project=project.id, reason=error.message)
            return TriggersTable()
        except AdwError as error:
            _log.warning("settings_unreadable", project=project.id, reason=error.message)
            return TriggersTable()
        async with self._parts.database.begin() as connection:
            plans = [entry.plan for entry in triggers.schedules]
            await follow_file(connection, project_id=project.id, plans=plans)
        return triggers

    async def _put_off(
        self, look: Look, project: Project, triggers: TriggersTable, error: AdwError | TimeoutError
    ) -> None:
        problem = error.message if isinstance(error, AdwError) else "it took too long"
        pause_s = min(triggers.poll_s * 2.0 ** min(look.failures, 10), LONGEST_PAUSE_S)
        if isinstance(error, ForgeLimitError) and error.until is not None:
            pause_s = max(pause_s, (error.until - self._parts.clock.now()).total_seconds())
        _log.warning("poll_failed", project=project.id, pause_s=pause_s, reason=problem)
        await self._end(look, again_in_s=pause_s, problem=problem)

    async def _end(self, look: Look, *, again_in_s: float, problem: str | None = None) -> None:
        async with self._parts.database.begin() as connection:
            await end_poll(
                connection, project_id=look.project_id, owner=self._owner, again_in_s=again_in_s, problem=problem
            )
