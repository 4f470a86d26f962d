"""When something is told: at once, with the next digest, or when the quiet hours are over.

Windows are laid over the clock, not begun by their first event: whoever computes one gets the same one, in whatever
process and however often.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from adw.domain.notifications import Digest, NewRule, Rule
from adw.domain.quiet import QuietHours

_MINUTES_OF_DAY = 24 * 60
_DAYS_AHEAD = 3
"""A moment of the day that a change of clocks skips comes at the latest on the day after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When it is told. `is_gathered`: together with all else that is told by the same rule at that moment."""

    at: datetime
    is_gathered: bool


def due_of(rule: Rule | NewRule, *, event: str, now: datetime) -> Due:
    """When an event that is heard of now is told."""
    if event in rule.urgent:
        return Due(at=now, is_gathered=False)
    wanted = now if rule.digest is None else next_digest(rule.digest, now)
    at = wanted if rule.quiet is None else end_of_quiet(rule.quiet, wanted)
    return Due(at=at, is_gathered=at > now)


def next_digest(digest: Digest, now: datetime) -> datetime:
    """The next moment after `now` at which what was gathered is told."""
    if digest.minutes is not None:
        window_s = digest.minutes * 60
        return datetime.fromtimestamp((int(now.timestamp()) // window_s + 1) * window_s, UTC)
    moments = (_on_day(now, minute, digest.zone, days) for days in range(_DAYS_AHEAD) for minute in digest.at)
    return min(moment for moment in moments if moment > now)


def end_of_quiet(quiet: QuietHours, moment: datetime) -> datetime:
    """The end of the quiet hours around `moment`, or the moment itself outside of them."""
    local = moment.astimezone(ZoneInfo(quiet.zone))
    minute = local.hour * 60 + local.minute
    if quiet.start == quiet.end or (minute - quiet.start) % _MINUTES_OF_DAY >= (quiet.end - quiet.start) % (
        _MINUTES_OF_DAY
    ):
        return moment
    days = 1 if quiet.end <= minute else 0
    return max(moment, _on_day(moment, quiet.end, quiet.zone, days))


def _on_day(now: datetime, minute: int, zone: str, days: int) -> datetime:
    """That minute of a day after the present one, by the clocks of the zone."""
    day = now.astimezone(ZoneInfo(zone)).date() + timedelta(days=days)
    local = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)
