"""Writes down that the moment of a schedule has come, once however many workers look, and follows projects' files."""

from __future__ import annotations

import structlog

from adw.domain.account import Account
from adw.domain.notices import Origin, ScheduleNotice
from adw.domain.project import ForgeKind, Project
from adw.domain.schedule import Schedule
from adw.domain.triggers import TriggerSource
from adw.intake.triggers import TriggerParts
from adw.kit.errors import AdwError, DatabaseError
from adw.store.db import Connection
from adw.store.deliveries import arrival_of, record
from adw.store.projects import get_project, list_projects
from adw.store.schedules import claim_due, follow_file

_log = structlog.get_logger(component="scheduler")


class Scheduler:
    """One in each worker; which of them notes a moment does not matter."""

    def __init__(self, parts: TriggerParts) -> None:
        self._parts = parts

    async def note_one(self) -> bool:
        """Notes one moment that has come, with the next one set in the same transaction. False when there is none."""
        async with self._parts.database.begin() as connection:
            schedule = await claim_due(connection)
            if schedule is None:
                return False
            notice = _notice(schedule, await get_project(connection, schedule.project_id))
            await _note(connection, notice)
        _log.info("schedule_due", schedule=schedule.id, project=schedule.project_id)
        return True

    async def follow_files(self) -> None:
        """Takes over what the settings of local projects say now; those on GitHub are read whenever they are polled."""
        async with self._parts.database.read() as connection:
            found = await list_projects(connection)
        for project in found:
            if project.forge is ForgeKind.LOCAL:
                await self._follow(project)

    async def _follow(self, project: Project) -> None:
        try:
            config = await self._parts.config_of(project)
        except DatabaseError:
            raise
        except (AdwError, OSError) as error:
            # A repository that was moved away, or settings that cannot be used: schedules stay as they were.
            _log.debug("schedules_not_read", project=project.id, reason=str(error))
            return
        async with self._parts.database.begin() as connection:
            plans = [entry.plan for entry in config.triggers.schedules]
            await follow_file(connection, project_id=project.id, plans=plans)


async def _note(connection: Connection, notice: ScheduleNotice) -> None:
    await record(connection, arrival_of(notice, TriggerSource.SCHEDULE))


def _notice(schedule: Schedule, project: Project) -> ScheduleNotice:
    origin = Origin(
        forge=project.forge,
        repository=project.source,
        sender=Account(login=schedule.created_by),
        at=schedule.due_at,
    )
    return ScheduleNotice(origin=origin, schedule_id=schedule.id, due_at=schedule.due_at)
