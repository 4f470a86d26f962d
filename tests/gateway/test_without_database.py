from __future__ import annotations

from sqlalchemy.ext.asyncio import create_async_engine

from adw.gateway import booking
from adw.kit.errors import DatabaseError
from adw.store.usage import UsageBook


class Forgetful(UsageBook):
    """Loses the database when it comes to settling, a number of times."""

    failures = 0

    async def settle(self, *arguments, **named):
        if self.failures:
            self.failures -= 1
            raise DatabaseError
        return await super().settle(*arguments, **named)


async def test_nothing_is_sent_that_could_not_be_booked(rig_of, model_api, tmp_path):
    nowhere = create_async_engine(f"postgresql+psycopg://adw@/postgres?host={tmp_path}")
    async with rig_of(book=UsageBook(nowhere)) as rig:
        answer = await rig.ask()

    assert answer.status_code == 503
    assert answer.json()["error"]["type"] == "api_error"
    assert model_api.seen == []


async def test_a_settlement_waits_for_the_database_to_come_back(rig_of, engine):
    book = Forgetful(engine)
    book.failures = 1
    async with rig_of(book=book) as rig:
        assert (await rig.ask()).status_code == 200
        [row] = await rig.settled()

    assert (row.output_tokens, row.inexact) == (200, False)


async def test_a_reservation_that_cannot_be_settled_stays_booked_in_full(rig_of, engine, monkeypatch):
    monkeypatch.setattr(booking, "SETTLE_RETRY_DELAYS_S", (0.01,))
    book = Forgetful(engine)
    book.failures = 2
    async with rig_of(book=book) as rig:
        assert (await rig.ask()).status_code == 200

    [row] = await rig.rows()
    assert row.state == "reserved"
    assert (await rig.account()).held_usd == row.reserved_usd
