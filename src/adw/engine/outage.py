"""Telling a database that went away from everything else, and waiting until it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg
import structlog
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from adw.kit.errors import DatabaseError

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_CONNECTION_CLASSES = ("08", "57P")

_log = structlog.get_logger(component="engine")
_T = TypeVar("_T")


def lost_connection(error: BaseException | None) -> bool:
    """Whether the driver reports that the server is gone, never reached, still starting, or gave us up.

    Judged by the absence of an answer, not by its wording, which differs between TCP and unix sockets.
    """
    if isinstance(error, pg.IdleInTransactionSessionTimeout):
        return True
    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(_CONNECTION_CLASSES)


def worth_repeating(error: BaseException) -> bool:
    """Whether a failed transaction may simply be run again."""
    conflicts = (pg.DeadlockDetected, pg.SerializationFailure)
    return any(lost_connection(each) or isinstance(each, conflicts) for each in _drivers_word(error))


async def through_outages(work: Callable[[], Awaitable[_T]]) -> _T:
    """Runs `work` until the database lets it finish. Other errors pass."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except (DBAPIError, DatabaseError, psycopg.Error) as error:
            if not worth_repeating(error):
                raise
            _log.warning("database_interrupted", reason=str(error).strip().splitlines()[0], pause_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _drivers_word(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        if isinstance(cause, DBAPIError) and cause.orig is not None:
            yield cause.orig
        cause = cause.__cause__
