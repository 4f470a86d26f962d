"""Text that agents are still writing: announced every 100 ms, never stored, and lost without regret.

What an agent says is stored when it is complete; these pieces only let people watch it being written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError
from sqlalchemy.ext.asyncio import AsyncEngine

from adw.store.json import storable_text

DELTA_CHANNEL = "adw_deltas"
CHAT_PREFIX, AGENT_PREFIX = "chat:", "agent:"
"""Before the id of an orchestrator or of a free agent, where agents of workflows have their workflow's."""
TICK_S = 0.1
_PIECE_CHARS = 1200
"""A payload holds less than 8,000 bytes, and a character may take six of them."""
_MAX_PIECES = 8
"""Of one agent in one tick; a model does not write faster, and what is too much is dropped from the front."""

_log = structlog.get_logger(component="deltas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """An agent that is writing."""

    adw_id: str
    """Of its workflow; for others see `CHAT_PREFIX` and `AGENT_PREFIX`."""
    phase: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of what an agent is writing."""

    writer: Writer
    text: str


class Deltas:
    """Collects what the agents of this process are writing and announces it all together, at most every 100 ms."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._pending: dict[Writer, list[str]] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._is_announcing = False
        self._is_closed = False

    def say(self, writer: Writer, piece: str) -> None:
        self._pending.setdefault(writer, []).append(piece)
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.get_running_loop().create_task(self._drain())

    def drop(self, writer: Writer) -> None:
        """What it was writing has been written: the pieces would only come after the whole."""
        self._pending.pop(writer, None)

    async def close(self) -> None:
        """What is being announced is let finish: its connection would be lost with it."""
        self._pending.clear()
        self._is_closed = True
        if self._ticker is not None:
            if not self._is_announcing:
                self._ticker.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticker
        self._is_closed = False

    async def _drain(self) -> None:
        while not self._is_closed:
            await asyncio.sleep(TICK_S)
            pending, self._pending = self._pending, {}
            if not pending:
                return
            payloads = [each for writer, pieces in pending.items() for each in _payloads(writer, "".join(pieces))]
            self._is_announcing = True
            try:
                await self._announce(payloads)
            except (DBAPIError, NoConnectionFreeError) as error:
                _log.debug("deltas_lost", reason=str(error))
            finally:
                self._is_announcing = False

    async def _announce(self, payloads: list[str]) -> None:
        async with self._engine.begin() as connection:
            statement = text("SELECT pg_notify(:channel, p) FROM unnest(CAST(:payloads AS text[])) AS p")
            await connection.execute(statement, {"channel": DELTA_CHANNEL, "payloads": payloads})


def read_delta(payload: str) -> Delta | None:
    """What was announced; None for what another revision of this program may announce."""
    try:
        adw_id, phase, role, written = orjson.loads(payload)
    except ValueError:
        return None
    return Delta(writer=Writer(adw_id=adw_id, phase=phase, role=role), text=written)


def _payloads(writer: Writer, written: str) -> Iterator[str]:
    cleaned = storable_text(written)[-_PIECE_CHARS * _MAX_PIECES :]
    for start in range(0, len(cleaned), _PIECE_CHARS):
        piece = cleaned[start : start + _PIECE_CHARS]
        yield orjson.dumps([writer.adw_id, writer.phase, writer.role, piece]).decode()
