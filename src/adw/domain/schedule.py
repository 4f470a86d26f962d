"""Work by the clock: when a schedule is due, in the time zone it is written for.

Clock changes are treated as cron does: what would fall into a missing hour comes right after it, what falls into a
doubled one comes once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from adw.kit.errors import UsageError

FIELDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When (`cron` in the time zone `zone`) and what; `workflow` None is the project's usual kind."""

    cron: str
    prompt: str
    zone: str = "UTC"
    workflow: str | None = None

    @property
    def digest(self) -> str:
        """The same for the same plan, whatever the white space."""
        parts = (" ".join(self.cron.split()), self.zone, self.prompt.strip(), self.workflow or "")
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A plan of a project. `due_at` is its next moment; those `is_from_file` follow `adw.toml` and nobody else."""

    id: str
    project_id: str
    plan: Plan
    is_from_file: bool
    created_by: str
    due_at: datetime
    last_due_at: datetime | None
    created_at: datetime


def check_cron(cron: str, *, zone: str = "UTC") -> None:
    """Raises UsageError unless it is a cron line of five fields that ever comes, in a known time zone."""
    next_after(cron, zone=zone, moment=datetime(2026, 1, 1, tzinfo=UTC))


def next_after(cron: str, *, zone: str, moment: datetime) -> datetime:
    """The first moment after this one at which it is due, in UTC. Raises UsageError for what never comes."""
    if len(cron.split()) != FIELDS:
        raise UsageError(
            f"{cron!r} is not a cron line of five fields", hint='for example "0 3 * * 1": Mondays at three'
        )
    try:
        local = moment.astimezone(_zone(zone))
        return next(CronSim(cron, local)).astimezone(UTC)
    except CronSimError as error:
        raise UsageError(f"{cron!r} is not a cron line: {error}", hint='for example "0 3 * * 1"') from error
    except StopIteration:
        raise UsageError(f"{cron!r} is never due", hint="name a day there is") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"there is no time zone {name!r}", hint='use a name such as "Europe/Berlin"') from error
