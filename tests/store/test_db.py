from __future__ import annotations

from sqlalchemy import text

_TRANSACTION = text("SELECT pg_current_xact_id()::text")


async def test_queries_of_a_look_stand_for_themselves_and_those_of_a_read_stand_together(database):
    async with database.look() as connection:
        looked = {(await connection.execute(_TRANSACTION)).scalar_one() for _ in range(2)}
    async with database.read() as connection:
        read = {(await connection.execute(_TRANSACTION)).scalar_one() for _ in range(2)}
    assert (len(looked), len(read)) == (2, 1)
