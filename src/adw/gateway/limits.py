"""One view of the model API's limits for all agents: a limit met by one of them holds back the others.

What this worker meets it writes down for the others, and it reads what they have met; an agent's request only ever
looks at memory. When a limit is over one request goes ahead, and the others follow one by one once it came through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from adw.domain.limits import ALL_MODELS, Limit, LimitKind
from adw.gateway.refusals import read_refusal
from adw.kit.clock import Clock
from adw.kit.errors import DatabaseError
from adw.kit.log import get_logger
from adw.store.limits import KnownLimit, LimitBook

LONGEST_HOLD_S = 20.0
"""Requests wait here for a limit that ends sooner; a longer one is answered at once, so that the run can end."""
LOOK_S = 1.0
"""How often this worker looks what others have met, besides being woken."""
STAGGER_S = 0.05
"""Between two requests that a limit has held back together."""
PROBE_S = 15.0
"""How long the others wait for the first answer after a limit."""

_BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
_LONGEST_OVERLOAD_S = 8.0
_SERVER_ERRORS = 500

log = get_logger("gateway")


@dataclass(slots=True, kw_only=True, eq=False)
class _Hold:
    """A limit in force, or one that is over and waits for the first answer since."""

    limit: Limit
    noted: float
    """By the loop's clock, to tell it from what was read before."""
    strikes: int = 0
    probing: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()


class Passage:
    """The right to send one request. `over` is called when it is answered or given up."""

    def __init__(self, hold: _Hold | None = None) -> None:
        self._hold = hold

    def over(self) -> None:
        """Whoever was sent ahead makes room for the next, whatever came of it."""
        if self._hold is not None and self._hold.probing:
            self._hold.probing = False
            self._hold.wake()


class SharedLimits:
    """When the model API will take requests of this worker's credential again, as far as anybody was told."""

    def __init__(
        self,
        clock: Clock,
        *,
        credential: str = "",
        book: LimitBook | None = None,
        longest_hold_s: float = LONGEST_HOLD_S,
    ) -> None:
        self.longest_hold_s = longest_hold_s
        self._clock = clock
        self._credential = credential
        self._book = book
        self._holds: dict[str, _Hold] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._next_release = 0.0

    @property
    def latest(self) -> Limit | None:
        """The limit that ends last; it may be over."""
        return max((hold.limit for hold in self._holds.values()), key=lambda limit: limit.resets_at, default=None)

    def on(self, model: str) -> Limit | None:
        """The limit that a request for this model, made at this moment, has to wait for."""
        hold = self._hold_on(model)
        return hold.limit if hold is not None and self._remaining_s(hold.limit) > 0 else None

    def is_held(self, model: str) -> bool:
        """Whether a request for this model has to `enter` first: there is a limit, or was until just now."""
        return self._hold_on(model) is not None

    def is_long(self, limit: Limit) -> bool:
        """Whether it is not waited for here."""
        return self._remaining_s(limit) > self.longest_hold_s

    def seconds_to(self, limit: Limit) -> float:
        return max(0.0, self._remaining_s(limit))

    async def enter(self, model: str) -> Passage | Limit:
        """Waits for a short limit and for one's turn after it; gives back a limit that is too long to wait for."""
        clock = asyncio.get_running_loop().time
        latest = clock() + self.longest_hold_s + PROBE_S
        held = False
        while (hold := self._hold_on(model)) is not None:
            remaining_s = self._remaining_s(hold.limit)
            if remaining_s > self.longest_hold_s or (remaining_s > 0 and clock() > latest):
                return hold.limit
            if remaining_s <= 0 and (not hold.probing or clock() > latest):
                hold.probing = True
                return Passage(hold)
            held = True
            await _either(hold.changed, timeout_s=remaining_s if remaining_s > 0 else PROBE_S)
        if held:
            await self._take_turn()
        return Passage()

    def note(self, status: int, headers: httpx.Headers, *, model: str, of_model: bool = False) -> Limit | None:
        """Takes note of an answer. Returns the limit it speaks of, if it is such a refusal.

        `of_model`: what is refused is taken to hold for this model only. Overload always does.
        """
        refused = read_refusal(status, headers, now=self._clock.now())
        if refused is None:
            if status < _SERVER_ERRORS:
                self._came_through(model)
            return None
        key = model if of_model or refused.kind is LimitKind.OVERLOADED else ALL_MODELS
        limit = self._met(key, refused.kind, refused.resets_at)
        self._write(limit)
        return limit

    async def look(self) -> None:
        """Reads what is known of this credential. Raises `DatabaseError` when nobody can be asked."""
        if self._book is None:
            return
        since = asyncio.get_running_loop().time()
        self._adopt(await self._book.known(credential=self._credential), since=since)

    def wake(self) -> None:
        """Something has changed somewhere: look now instead of later."""
        self._woken.set()

    async def keep_looking(self) -> None:
        """Until cancelled. A database that is away for a while only delays it."""
        while True:
            self._woken.clear()
            try:
                await self.look()
            except DatabaseError as error:
                log.warning("limits_not_read", reason=str(error))
            await _either(self._woken, timeout_s=LOOK_S)

    async def written(self) -> None:
        """Returns when everything that was met is written down."""
        while self._writing:
            await asyncio.gather(*self._writing)

    def _met(self, key: str, kind: LimitKind, resets_at: datetime | None) -> Limit:
        now, hold = self._clock.now(), self._holds.get(key)
        again = hold is not None and hold.limit.resets_at <= now
        strikes = 0 if hold is None else hold.strikes + again
        if kind is LimitKind.OVERLOADED or resets_at is None:
            usual = now + timedelta(seconds=_BACK_OFF_S[min(strikes, len(_BACK_OFF_S) - 1)])
            resets_at = max(resets_at or usual, usual)
        if kind is LimitKind.OVERLOADED:
            resets_at = min(resets_at, now + timedelta(seconds=_LONGEST_OVERLOAD_S))
        if hold is not None:
            resets_at = max(resets_at, hold.limit.resets_at)
        limit = Limit(credential=self._credential, kind=kind, resets_at=resets_at, model=key)
        self._put(limit, strikes=strikes)
        return limit

    def _put(self, limit: Limit, *, strikes: int) -> None:
        old = self._holds.get(limit.model)
        noted = asyncio.get_running_loop().time()
        self._holds[limit.model] = _Hold(limit=limit, noted=noted, strikes=strikes)
        if old is not None:
            old.wake()

    def _came_through(self, model: str) -> None:
        for key in {ALL_MODELS, model}:
            hold = self._holds.get(key)
            if hold is not None and self._remaining_s(hold.limit) <= 0:
                self._drop(key)
                self._lift(key)

    def _drop(self, key: str) -> None:
        hold = self._holds.pop(key, None)
        if hold is not None:
            hold.wake()

    def _adopt(self, known: Sequence[KnownLimit], *, since: float) -> None:
        now, named = self._clock.now(), {each.limit.model for each in known}
        for each in known:
            hold = self._holds.get(each.limit.model)
            resets_at = now + timedelta(seconds=each.remaining_s)
            limit = Limit(
                credential=self._credential, kind=each.limit.kind, resets_at=resets_at, model=each.limit.model
            )
            if hold is None:
                self._put(limit, strikes=0)
            elif hold.noted < since and not self._writing and _differ(hold.limit, limit):
                self._put(limit, strikes=hold.strikes)
        if self._writing:
            return
        for key in [key for key, hold in self._holds.items() if key not in named and hold.noted < since]:
            self._drop(key)

    def _hold_on(self, model: str) -> _Hold | None:
        found = [hold for key in (ALL_MODELS, model) if (hold := self._holds.get(key)) is not None]
        return max(found, key=lambda hold: hold.limit.resets_at, default=None)

    def _remaining_s(self, limit: Limit) -> float:
        return (limit.resets_at - self._clock.now()).total_seconds()

    async def _take_turn(self) -> None:
        now = asyncio.get_running_loop().time()
        mine = max(now, self._next_release)
        self._next_release = mine + STAGGER_S
        await asyncio.sleep(mine - now)

    def _write(self, limit: Limit) -> None:
        if self._book is not None:
            self._in_background(self._book.note(limit, remaining_s=self._remaining_s(limit)))

    def _lift(self, key: str) -> None:
        if self._book is not None:
            self._in_background(self._book.lift(credential=self._credential, model=key))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)


def _differ(one: Limit, other: Limit) -> bool:
    return one.kind is not other.kind or abs((one.resets_at - other.resets_at).total_seconds()) > LOOK_S / 4


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except DatabaseError as error:
        log.warning("limit_not_shared", reason=str(error))


async def _either(event: asyncio.Event, *, timeout_s: float) -> None:
    """Waits for the event, at most so long."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=timeout_s)
    finally:
        waiting.cancel()
