"""Links and sessions where several ask at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adw.control.access import Access, LoggedIn
from adw.domain.access import SERVER, AccessScope, Principal, digest
from adw.kit.errors import AuthenticationError, ConflictError
from adw.store.db import Database
from adw.store.sessions_web import session_by_digest
from adw.store.tokens import token_by_digest

OWNER = Principal(name=SERVER, scope=AccessScope.ADMIN)


async def test_of_all_who_follow_a_link_at_once_one_gets_in(database: Database):
    access = Access(database=database)
    link = await access.make_link(OWNER, name="Ann")
    found = await asyncio.gather(*(access.log_in(link.code) for _ in range(5)), return_exceptions=True)
    assert len([each for each in found if isinstance(each, LoggedIn)]) == 1
    assert len([each for each in found if isinstance(each, AuthenticationError)]) == 4


async def test_of_two_tokens_of_one_name_made_at_once_one_is(database: Database):
    access = Access(database=database)
    wishes = (access.create_token(name="ci", scope=AccessScope.READ, created_by=SERVER) for _ in range(3))
    found = await asyncio.gather(*wishes, return_exceptions=True)
    assert len([each for each in found if isinstance(each, ConflictError)]) == 2


async def test_a_session_ends_with_the_token_it_came_from(database: Database):
    access = Access(database=database)
    ends = datetime.now(UTC) + timedelta(hours=1)
    made = await access.create_token(name="ci", scope=AccessScope.READ, created_by=SERVER, expires_at=ends)
    holder = Principal(name="ci", scope=AccessScope.READ, token_id=made.token.id)
    entered = await access.log_in((await access.make_link(holder, name="else")).code)
    assert entered.session.principal.scope is AccessScope.READ
    waiting = await access.make_link(holder, name="else")
    await access.revoke_token("ci")
    async with database.read() as connection:
        assert await session_by_digest(connection, digest(entered.secret)) is None
    with pytest.raises(AuthenticationError):
        await access.log_in(waiting.code)


async def test_secrets_are_shown_by_nothing_that_prints_values(database: Database):
    access = Access(database=database)
    made = await access.create_token(name="ci", scope=AccessScope.READ, created_by=SERVER)
    link = await access.make_link(OWNER, name="Ann")
    entered = await access.log_in(link.code)
    for value, secret in ((made, made.secret), (link, link.code), (entered, entered.secret)):
        assert secret not in repr(value)
    async with database.read() as connection:
        known = await token_by_digest(connection, digest(made.secret))
    assert known == made.token


@pytest.mark.parametrize("scope", AccessScope)
def test_each_scope_includes_those_before_it(scope: AccessScope):
    order = list(AccessScope)
    for needed in AccessScope:
        assert scope.covers(needed) is (order.index(needed) <= order.index(scope))
    assert Principal(name="x", scope=scope).scopes == set(order[: order.index(scope) + 1])
