"""Whether there is room for work to begin or to go on: on the machine, and in the project's money of this month."""

from __future__ import annotations

from decimal import Decimal

from adw.domain.config import CONFIG_FILE, ProjectConfig
from adw.domain.project import Project
from adw.kit.errors import LowDiskError, LowMemoryError, MonthlyBudgetError
from adw.ports.resources import Headroom, Resources
from adw.store.admission import spent_this_month
from adw.store.db import Database

_MB = 1024 * 1024


async def left_this_month(database: Database, project: Project, config: ProjectConfig) -> Decimal | None:
    """US dollars the project may still spend this month; None without a limit."""
    limit = config.budget.month_usd
    if limit is None:
        return None
    async with database.read() as connection:
        return limit - await spent_this_month(connection, project.id)


async def check_month(database: Database, project: Project, config: ProjectConfig) -> Decimal | None:
    """The same; raises MonthlyBudgetError when nothing is left."""
    left = await left_this_month(database, project, config)
    if left is not None and left <= 0:
        raise MonthlyBudgetError(
            f"project {project.name} has spent its ${config.budget.month_usd} of this month",
            hint=f"raise [budget] month_usd in {CONFIG_FILE}, or wait for the next month",
        )
    return left


def check_machine(resources: Resources | None) -> str:
    """What is free, for a person. Raises LowDiskError or LowMemoryError; what nobody can tell suffices."""
    room = Headroom() if resources is None else resources.look()
    if room.free_disk is not None and room.free_disk < room.least_disk:
        raise LowDiskError(
            f"the data directory has {room.free_disk // _MB} MB left, less than {room.least_disk // _MB} MB",
            hint="free some space, for example with `adw worktree cleanup`, or lower ADW_MIN_FREE_DISK_MB",
        )
    if room.available_memory is not None and room.available_memory < room.least_memory:
        raise LowMemoryError(
            f"{room.available_memory // _MB} MB of memory are available, less than {room.least_memory // _MB} MB",
            hint="wait until other programs have ended, or lower ADW_MIN_FREE_MEMORY_MB",
        )
    return f"{_shown(room.free_disk)} of disk and {_shown(room.available_memory)} of memory are free"


def _shown(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size // _MB} MB"
