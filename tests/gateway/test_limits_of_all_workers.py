"""Two gateways on one database, as two workers have them: what one is told the other knows."""

from __future__ import annotations

from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy import text

from adw.domain.limits import LimitKind
from adw.gateway import Credential, Upstream
from adw.kit.errors import DatabaseError
from adw.store.limits import LimitBook, known_limits


@pytest.fixture
async def rigs(rig_of, engine):
    """Two workers with the same credential, and one with another."""
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE model_limits"))
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(rig_of(limit_book=LimitBook(engine))) for _ in range(2)]


async def limits(engine):
    async with engine.connect() as connection:
        return await known_limits(connection)


async def test_a_limit_met_by_one_worker_holds_all_of_the_same_credential(rigs, rig_of, engine, model_api):
    first, second = rigs
    model_api.replies(b"{}", status=429, retry_after="3600")
    assert (await first.ask()).status_code == 429

    async def known():
        second.gateway.limits_changed()
        return await second.gateway.limit_on("any")

    limit = await first.eventually(known)
    assert (await second.ask()).status_code == 429
    assert len(model_api.seen) == 1
    [found] = await limits(engine)
    assert (found.limit.kind, found.limit.credential) == (LimitKind.USAGE_LIMIT, limit.credential)
    assert 3500 < found.remaining_s <= 3600
    assert first.key not in limit.credential
    other = Upstream(base_url=model_api.url, credential=Credential(kind="api_key", value="another"))
    async with rig_of(limit_book=LimitBook(engine), upstream=other) as rig:
        assert await rig.gateway.limit_on("any") is None
    async with rig_of(limit_book=LimitBook(engine)) as late:
        assert await late.gateway.limit_on("any") is not None, "known from the start"


async def test_who_comes_through_lifts_it_for_all(rigs, engine, model_api, sse):
    first, second = rigs
    model_api.replies(b"{}", status=429, retry_after="3600")
    await first.ask()

    async def known():
        second.gateway.limits_changed()
        return await second.gateway.limit_on("any") is not None

    await first.eventually(known)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE model_limits SET resets_at = now()"))
    model_api.streams(sse.answer())

    async def over():
        for rig in rigs:
            rig.gateway.limits_changed()
        return all([await rig.gateway.limit_on("any") is None for rig in rigs])

    await first.eventually(over)
    assert (await second.ask()).status_code == 200

    async def forgotten():
        return not await limits(engine)

    await first.eventually(forgotten)
    assert (await first.ask()).status_code == 200


async def test_a_database_that_is_away_leaves_each_worker_with_what_it_was_told_itself(rig_of, engine, model_api):
    class Away(LimitBook):
        async def note(self, *_arguments, **_named):
            raise DatabaseError("away")

        lift = known = note

    async with rig_of(limit_book=Away(engine)) as rig:
        model_api.replies(b"{}", status=429, retry_after="3600")
        assert [(await rig.ask()).status_code for _ in range(2)] == [429, 429]
        assert len(model_api.seen) == 1
        assert await rig.gateway.limit_on("any") is not None


def test_a_fingerprint_depends_on_address_and_secret_and_tells_neither():
    made = {
        Upstream(base_url=url, credential=Credential(kind="api_key", value=secret)).fingerprint
        for url in ("http://127.0.0.1:1", "http://127.0.0.1:2")
        for secret in ("one", "two")
    }
    assert len(made | {Upstream().fingerprint}) == 5
    assert httpx.URL("http://127.0.0.1:1").host not in "".join(made)
