"""How many requests a forge takes of one credential, and when the next one may go out.

A forge counts by the minute and the hour. We count in buckets that drain evenly: a bucket of half an allowance that
drains half an allowance each period never lets more than the whole through in any period.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_MINUTE_S = 60.0
_HOUR_S = 3600.0
FIRST_HOLD_S = 60.0
LONGEST_HOLD_S = 900.0
_FORGOTTEN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What may be used up in a minute or an hour. Points: a reading request costs 1, a writing one 5."""

    points_per_minute: float = 900.0
    writes_per_minute: float = 80.0
    writes_per_hour: float = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one request uses up; `writes` counts those that make something people see."""

    points: float = 1.0
    writes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One credential's standing. `remaining` until `resets_at` is the forge's word; the levels are our own count."""

    allowance: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    held_until: datetime | None = None
    holds: int = 0
    points: float = 0.0
    writes_minute: float = 0.0
    writes_hour: float = 0.0
    drained_at: datetime

    def drained(self, now: datetime, limits: RateLimits) -> Budget:
        """The levels as they stand at `now`."""
        passed_s = max(0.0, (now - self.drained_at).total_seconds())
        return replace(
            self,
            points=_less(self.points, passed_s, limits.points_per_minute, _MINUTE_S),
            writes_minute=_less(self.writes_minute, passed_s, limits.writes_per_minute, _MINUTE_S),
            writes_hour=_less(self.writes_hour, passed_s, limits.writes_per_hour, _HOUR_S),
            drained_at=now,
        )

    def wait_s(self, cost: Cost, limits: RateLimits) -> float:
        """How long a request must wait from `drained_at` on; 0 when it may go now."""
        return max(
            0.0,
            _until(self.held_until, self.drained_at),
            _until(self.resets_at, self.drained_at) if self.remaining == 0 else 0.0,
            _room_in(self.points, cost.points, limits.points_per_minute, _MINUTE_S),
            _room_in(self.writes_minute, cost.writes, limits.writes_per_minute, _MINUTE_S),
            _room_in(self.writes_hour, cost.writes, limits.writes_per_hour, _HOUR_S),
        )

    def spent(self, cost: Cost) -> Budget:
        return replace(
            self,
            points=self.points + cost.points,
            writes_minute=self.writes_minute + cost.writes,
            writes_hour=self.writes_hour + cost.writes,
        )

    def held(self, now: datetime, *, for_s: float | None) -> Budget:
        """After a refusal: nobody asks for `for_s`; when the forge did not say how long, each time for longer."""
        if self.held_until is not None and now < self.held_until:
            until = now + timedelta(seconds=for_s or 0.0)
            return replace(self, held_until=max(self.held_until, until))
        lately = self.held_until is not None and now - self.held_until < _FORGOTTEN_AFTER
        holds = self.holds + 1 if lately else 1
        length_s = for_s if for_s is not None else min(LONGEST_HOLD_S, FIRST_HOLD_S * 2.0 ** (holds - 1))
        return replace(self, held_until=now + timedelta(seconds=length_s), holds=holds)


def _less(level: float, passed_s: float, allowed: float, period_s: float) -> float:
    return max(0.0, level - passed_s * allowed / 2 / period_s)


def _room_in(level: float, cost: float, allowed: float, period_s: float) -> float:
    """Seconds until `cost` fits; one that never fits counts as filling the bucket."""
    if cost == 0.0:
        return 0.0
    over = level + min(cost, allowed / 2) - allowed / 2
    return max(0.0, over * period_s / (allowed / 2))


def _until(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (moment - now).total_seconds())
