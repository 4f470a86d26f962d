"""Quiet hours: when nobody wants to be told of anything, as minutes of the day in one time zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adw.kit.errors import UsageError

_HOURS = 24
_MINUTES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """From minute `start` of the day until minute `end`, which may lie in the next day."""

    start: int
    end: int
    zone: str = "UTC"

    @classmethod
    def parse(cls, start: str | None, end: str | None, *, zone: str) -> Self:
        """From `22:00` and `07:30`. Raises UsageError."""
        if start is None or end is None:
            raise UsageError("quiet hours have a beginning and an end", hint="for example 22:00 and 07:00")
        return cls(start=minute_of(start), end=minute_of(end), zone=check_zone(zone))


def check_zone(zone: str) -> str:
    """The name of the zone itself. Raises UsageError when there is none of that name."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"there is no time zone {zone!r}", hint="for example Europe/Berlin") from error
    return zone


def clock_time(minute: int) -> str:
    """`22:00`."""
    return f"{minute // _MINUTES:02}:{minute % _MINUTES:02}"


def minute_of(text: str) -> int:
    """Of the day, from `07:30`. Raises UsageError."""
    hours, _, minutes = text.partition(":")
    if not (hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()):
        raise UsageError(f"{text!r} is no time of day", hint="write it as HH:MM, for example 22:00")
    if int(hours) >= _HOURS or int(minutes) >= _MINUTES:
        raise UsageError(f"{text!r} is no time of day", hint="write it as HH:MM, for example 22:00")
    return int(hours) * _MINUTES + int(minutes)
