"""Which errors mean that the database is away, and which may simply be tried again."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy.exc import OperationalError

from adw.engine.outage import lost_connection, through_outages, worth_repeating
from adw.kit.errors import ConflictError, DatabaseError


def wrapped(error: Exception) -> DatabaseError:
    outer = DatabaseError("cannot be used")
    outer.__cause__ = OperationalError("SELECT 1", {}, error)
    return outer


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("connection is bad: no such file"),
        psycopg.OperationalError("connection failed: refused"),
        pg.AdminShutdown(),
        pg.CannotConnectNow(),
        pg.ConnectionFailure(),
    ],
)
def test_a_server_that_is_away_is_a_lost_connection(error):
    assert lost_connection(error)
    assert worth_repeating(wrapped(error))


@pytest.mark.parametrize("error", [pg.UniqueViolation(), pg.DiskFull(), ValueError(), None])
def test_an_answer_is_not_a_lost_connection(error):
    assert not lost_connection(error)


@pytest.mark.parametrize("error", [pg.DeadlockDetected(), pg.SerializationFailure()])
def test_conflicts_between_transactions_are_worth_repeating(error):
    assert worth_repeating(wrapped(error))


async def test_work_is_repeated_until_the_database_is_back():
    failures = [wrapped(pg.AdminShutdown()), wrapped(pg.DeadlockDetected())]

    async def work():
        if failures:
            raise failures.pop()
        return "done"

    assert await through_outages(work) == "done"


@pytest.mark.parametrize("error", [ConflictError(), wrapped(pg.UniqueViolation()), DatabaseError()])
async def test_other_errors_pass_at_once(error):
    calls = []

    async def work():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        await through_outages(work)
    assert len(calls) == 1
