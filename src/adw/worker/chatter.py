"""Answers what people say to an orchestrator, and wakes it when something happened. Any worker does it for all.

A new message waits until the turn before it is over; whoever does not want to wait interrupts that turn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from adw.chat.conversation import Conversations
from adw.kit.errors import DatabaseError
from adw.store import chat_turns as turns
from adw.store.chat import CHAT_CHANNEL
from adw.store.chat_feed import feed_inboxes, has_news
from adw.store.chat_turns import Turn
from adw.store.db import Database
from adw.store.listen import listen
from adw.worker.holding import Holder

FEED_S = 1.0
AT_ONCE = 2
"""Conversations that one worker holds at the same time."""

_log = structlog.get_logger(component="chatter")


async def keep_chatting(database: Database, conversations: Conversations, *, worker_id: str) -> None:
    """Until cancelled; turns underway are given back, so that another worker goes on at once."""
    chatter = Chatter(database, conversations, worker_id=worker_id)
    async with asyncio.TaskGroup() as group:
        group.create_task(listen(database, CHAT_CHANNEL, chatter.wake))
        group.create_task(chatter.feed())
        for _ in range(AT_ONCE):
            group.create_task(chatter.run())


class Chatter:
    """One in each worker; the database says who does what."""

    def __init__(self, database: Database, conversations: Conversations, *, worker_id: str) -> None:
        self._database = database
        self._holder = Holder(TurnSource(database=database, conversations=conversations, worker_id=worker_id))

    def wake(self) -> None:
        """Something was said, or somebody wants a turn to end."""
        self._holder.wake()

    async def run(self) -> None:
        """Takes one turn after the other. A database that is away for a while only delays them."""
        await self._holder.run()

    async def answer_one(self) -> bool:
        """Holds one turn to its end; False when there is none."""
        return await self._holder.hold_one()

    async def feed(self) -> None:
        """Puts what happened into the inboxes, about once a second."""
        while True:
            try:
                await self.feed_once()
            except DatabaseError as error:
                _log.warning("chat_feed_delayed", reason=error.message)
            await asyncio.sleep(FEED_S)

    async def feed_once(self) -> int:
        """Returns how many items that made."""
        async with self._database.read() as connection:
            if not await has_news(connection):
                return 0
        async with self._database.begin() as connection:
            made = await feed_inboxes(connection)
        if made:
            self.wake()
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSource:
    """Implements `adw.worker.holding.Source` on the rows of conversations."""

    database: Database
    conversations: Conversations
    worker_id: str

    async def take(self) -> Turn | None:
        async with self.database.begin() as connection:
            return await turns.take_turn(connection, owner=turns.owner_of(self.worker_id))

    async def keep(self, work: Turn) -> bool:
        async with self.database.begin() as connection:
            return await turns.keep_turn(connection, work)

    async def give_back(self, work: Turn) -> None:
        async with self.database.begin() as connection:
            await turns.give_back(connection, work)

    async def do(self, work: Turn) -> None:
        await self.conversations.answer(work)

    async def stopped(self, work: Turn) -> None:
        await self.conversations.interrupted(work)
