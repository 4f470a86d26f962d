"""Tells people outside what happened: gathers it from the event log, and sends it, again if it has to.

Any worker does it for all. A message is sent at least once: whoever dies after sending and before writing that down
leaves it to another, under the same delivery id.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog

from adw.domain.access import digest
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.channels import Channel
from adw.domain.notification_text import Message, Told
from adw.domain.notifications import DeliveryState
from adw.kit.clock import Clock, SystemClock
from adw.kit.errors import DatabaseError
from adw.kit.ids import new_token
from adw.notify import Carrier, UndeliveredError
from adw.store import notification_outbox as outbox
from adw.store.approval_links import add_approval_link
from adw.store.db import Connection, Database
from adw.store.notification_contents import contents_of
from adw.store.notification_feed import feed_deliveries, has_news
from adw.store.notification_outbox import Taken

POLL_S = 1.0
IDLE_S = 5.0
"""Between looks while nobody wants to be told of anything."""
AT_ONCE = 4
MAX_ATTEMPTS = 8
"""About two hours."""
FIRST_DELAY_S = 10.0
LONGEST_DELAY_S = 3600.0
PURGED_EVERY_S = 3600.0

_FACTOR = 3
_JITTER = 0.2

_IN_WORDS = frozenset({ApprovalKind.BUDGET, ApprovalKind.QUESTION})
"""Answered by an amount or in words, never by a click."""

_log = structlog.get_logger(component="notifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """`public_url` is under which people reach the server; without one no message has links."""

    worker_id: str
    public_url: str | None = None


async def keep_notifying(notifier: Notifier) -> None:
    """Until cancelled; what is being sent is given back, so that another worker goes on at once."""
    async with asyncio.TaskGroup() as group:
        group.create_task(notifier.feed())
        group.create_task(notifier.tidy())
        for _ in range(AT_ONCE):
            group.create_task(notifier.run())


class Notifier:
    """One in each worker; the database says who sends what."""

    def __init__(
        self, database: Database, carrier: Carrier, settings: NotifierSettings, *, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._carrier = carrier
        self._settings = settings
        self._clock = clock or SystemClock()
        self._due = asyncio.Event()

    async def feed(self) -> None:
        """Looks for news and for what is due, about once a second, or less often while there is nobody to tell."""
        while True:
            pause_s = POLL_S
            try:
                async with self._database.read() as connection:
                    ahead = await outbox.look_ahead(connection, now=self._clock.now())
                if (ahead.is_ruled and await self.feed_once()) or ahead.is_due:
                    self._due.set()
                elif not ahead.is_ruled:
                    pause_s = IDLE_S
            except DatabaseError as error:
                _log.warning("notifications_delayed", reason=error.message)
            await asyncio.sleep(pause_s)

    async def feed_once(self) -> int:
        """Returns how many events that put on their way, rule by rule."""
        async with self._database.read() as connection:
            if not await has_news(connection):
                return 0
        async with self._database.begin() as connection:
            return await feed_deliveries(connection, now=self._clock.now())

    async def run(self) -> None:
        """Sends one message after the other. A database that is away for a while only delays them."""
        while True:
            await self._due.wait()
            try:
                if await self.send_one():
                    continue
            except DatabaseError as error:
                _log.warning("notifications_delayed", reason=error.message)
            self._due.clear()

    async def tidy(self) -> None:
        """Forgets what ended long ago."""
        while True:
            await asyncio.sleep(PURGED_EVERY_S)
            with suppress(DatabaseError):
                async with self._database.begin() as connection:
                    await outbox.purge(connection)

    async def send_one(self) -> bool:
        """Sends what has been due for longest; False when nothing is."""
        async with self._database.begin() as connection:
            taken = await outbox.take_delivery(connection, owner=self._settings.worker_id, now=self._clock.now())
        if taken is None:
            return False
        try:
            await self._send(taken)
        except asyncio.CancelledError:
            with suppress(DatabaseError):
                await self._put_back(taken, delay_s=0.0, error=None)
            raise
        return True

    async def _send(self, taken: Taken) -> None:
        if taken.attempt > MAX_ATTEMPTS:
            await self._end(taken, DeliveryState.FAILED, error="each worker that took it was lost")
            return
        message = await self._message(taken)
        if not message.told and not message.is_test:
            await self._end(taken, DeliveryState.DROPPED)
            return
        try:
            await self._carrier.carry(taken.channel, message)
        except UndeliveredError as error:
            await self._failed(taken, error)
        else:
            await self._end(taken, DeliveryState.DELIVERED)

    async def _message(self, taken: Taken) -> Message:
        async with self._database.begin() as connection:
            contents = await contents_of(connection, taken.id)
            told = [await self._with_link(connection, taken.channel, each) for each in contents.told]
        return Message(
            delivery_id=taken.id,
            channel=taken.channel.name,
            rule_id=taken.rule_id,
            told=told,
            omitted=contents.omitted,
        )

    async def _with_link(self, connection: Connection, channel: Channel, told: Told) -> Told:
        """A link of its own at each attempt: only its digest is kept, so an earlier one cannot be sent again."""
        asked, url = told.asked, self._settings.public_url
        if asked is None or url is None or channel.person is None or asked.decision != Decision.PENDING:
            return told
        if asked.kind in _IN_WORDS:
            return told
        secret = new_token()
        is_added = await add_approval_link(
            connection, digest=digest(secret), approval_id=UUID(asked.id), channel=channel, person=channel.person
        )
        if not is_added:
            return told
        return replace(told, asked=replace(asked, link=f"{url}/approve/{secret}"))

    async def _failed(self, taken: Taken, error: UndeliveredError) -> None:
        if error.is_final or taken.attempt >= MAX_ATTEMPTS:
            _log.warning("notification_failed", delivery=taken.id, channel=taken.channel.name, reason=error.message)
            await self._end(taken, DeliveryState.FAILED, error=error.message)
            return
        await self._put_back(taken, delay_s=delay_s(taken.attempt, asked_s=error.wait_s), error=error.message)

    async def _put_back(self, taken: Taken, *, delay_s: float, error: str | None) -> None:
        due_at = self._clock.now() + timedelta(seconds=delay_s)
        async with self._database.begin() as connection:
            await outbox.put_back(connection, taken, due_at=due_at, error=error)

    async def _end(self, taken: Taken, state: DeliveryState, *, error: str | None = None) -> None:
        async with self._database.begin() as connection:
            await outbox.end_delivery(connection, taken, state=state, error=error)


def delay_s(attempt: int, *, asked_s: float | None = None) -> float:
    """Seconds until the next attempt: three times as many each time, a little spread, no less than asked for."""
    usual_s = min(FIRST_DELAY_S * _FACTOR ** (attempt - 1), LONGEST_DELAY_S)
    spread = 1 + _JITTER * (2 * secrets.randbelow(1001) / 1000 - 1)
    return max(usual_s * spread, asked_s or 0.0)
