"""Whether there is room for work to begin or to go on: on the machine, and in the project's money of this month."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from adw.domain.budget import BudgetScope
from adw.domain.config import CONFIG_FILE, ProjectConfig
from adw.domain.project import Project
from adw.kit.errors import LowDiskError, LowMemoryError, MonthlyBudgetError
from adw.ports.resources import Headroom, Resources
from adw.store.admission import spent_this_month
from adw.store.budgets import shared_budget
from adw.store.db import Database

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What a project may spend this month, in US dollars, and what is left of it."""

    limit_usd: Decimal
    left_usd: Decimal

    @property
    def words(self) -> str:
        return f"${self.limit_usd.normalize():f}"


async def this_month(database: Database, project: Project, config: ProjectConfig) -> Month | None:
    """By what a person has set, else by what `adw.toml` says; None without a limit."""
    async with database.read() as connection:
        known = await shared_budget(connection, BudgetScope.PROJECT_MONTH, project_id=project.id)
        limit = config.budget.month_usd if known is None or known.set_by is None else known.budget_usd
        if limit is None:
            return None
        return Month(limit_usd=limit, left_usd=limit - await spent_this_month(connection, project.id))


async def check_month(database: Database, project: Project, config: ProjectConfig) -> Month | None:
    """The same; raises MonthlyBudgetError when nothing is left."""
    month = await this_month(database, project, config)
    if month is not None and month.left_usd <= 0:
        raise MonthlyBudgetError(
            f"project {project.name} has spent its {month.words} of this month",
            hint=f"raise [budget] month_usd in {CONFIG_FILE}, or `adw budget set --project {project.id} USD`, "
            "or wait for the next month",
        )
    return month


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
