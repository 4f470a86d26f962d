"""Answers what people say to an orchestrator, and wakes it when something happened. Any worker does it for all.

A new message waits until the turn before it is over; whoever does not want to wait interrupts that turn.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from adw.chat.conversation import Conversations
from adw.kit.errors import DatabaseError
from adw.store import chat_turns as turns
from adw.store.chat import CHAT_CHANNEL
from adw.store.chat_feed import feed_inboxes, has_news
from adw.store.chat_turns import LostTurnError, Turn
from adw.store.db import Database
from adw.store.listen import listen

POLL_S = 3.0
"""How long a turn may go unnoticed whose announcement was lost, or whose worker was."""
FEED_S = 1.0
BEAT_S = 2.0
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
        self._worker_id = worker_id
        self._database = database
        self._conversations = conversations
        self._waiting: set[asyncio.Event] = set()

    def wake(self) -> None:
        """Something was said, or somebody wants a turn to end."""
        for event in self._waiting:
            event.set()

    async def run(self) -> None:
        """Takes one turn after the other. A database that is away for a while only delays them."""
        while True:
            try:
                if await self.answer_one():
                    continue
            except DatabaseError as error:
                _log.warning("chat_delayed", reason=error.message)
            await self._pause(POLL_S)

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

    async def answer_one(self) -> bool:
        """Holds one turn to its end; False when there is none."""
        try:
            async with self._database.begin() as connection:
                turn = await turns.take_turn(connection, owner=turns.owner_of(self._worker_id))
        except LostTurnError:  # another worker was faster; what this one had locked is rolled back
            return False
        if turn is None:
            return False
        try:
            await self._hold(turn)
        except LostTurnError as error:
            _log.warning("turn_lost", turn=turn.id, reason=error.message)
        return True

    async def _hold(self, turn: Turn) -> None:
        answering = asyncio.create_task(self._conversations.answer(turn), name=f"turn-{turn.id}")
        try:
            if await self._until_over(turn, answering):
                await self._conversations.interrupted(turn)
            else:
                await answering
        except asyncio.CancelledError:
            await _end(answering)
            with suppress(DatabaseError):
                async with self._database.begin() as connection:
                    await turns.give_back(connection, turn)
            raise
        finally:
            await _end(answering)

    async def _until_over(self, turn: Turn, answering: asyncio.Task[None]) -> bool:
        """Keeps the lease until the turn is over; True when it was ended because somebody wanted that."""
        while not answering.done():
            if await self._is_unwanted(turn, answering):
                await _end(answering)
                return answering.cancelled()
            pausing = asyncio.create_task(self._pause(BEAT_S))
            try:
                await asyncio.wait({answering, pausing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(pausing)
        return False

    async def _is_unwanted(self, turn: Turn, answering: asyncio.Task[None]) -> bool:
        try:
            async with self._database.begin() as connection:
                return await turns.keep_turn(connection, turn)
        except LostTurnError:
            await asyncio.wait({answering}, timeout=BEAT_S)  # it may have ended the turn itself, just now
            if answering.done():
                return False
            raise

    async def _pause(self, seconds: float) -> None:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
        finally:
            self._waiting.discard(event)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels it and waits until it is gone; what it ended with is its own business."""
    task.cancel()
    await asyncio.wait({task})
