from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.account import Account, Permission
from adw.domain.config import AuthorsTable, TriggersTable
from adw.domain.triggers import Outcome, Refused, Why
from adw.domain.trust import (
    Standing,
    Tier,
    check_bot,
    check_kind,
    check_sender,
    needs_containment,
    tier_of,
)

NOBODY = AuthorsTable()
LOGINS = st.sampled_from(["ann", "ben", "write", "admin", "OWNER", "renovate"])
ENTRIES = st.lists(
    st.sampled_from(["ann", "@ann", "ben", "@write", *Permission, "OWNER", "MEMBER", "CONTRIBUTOR", "renovate[bot]"]),
    max_size=3,
).map(tuple)
TABLES = st.builds(AuthorsTable, trusted=ENTRIES, restricted=ENTRIES, blocked=ENTRIES)


def who(login: str = "ann", permission: Permission = Permission.WRITE, *, is_bot: bool = False) -> Standing:
    return Standing(account=Account(login=login, is_bot=is_bot), permission=permission)


def why(call) -> str:
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.verdict.detail
    return str(caught.value.verdict.why)


@pytest.mark.parametrize("permission", Permission)
def test_without_lists_write_permission_decides(permission: Permission):
    expected = Tier.TRUSTED if permission.allows(Permission.WRITE) else Tier.STRANGER
    assert tier_of(who(permission=permission), NOBODY) is expected


def test_blocked_goes_before_trusted_before_restricted():
    everywhere = AuthorsTable(trusted=("ann",), restricted=("ann",), blocked=("ann",))
    assert tier_of(who(), everywhere) is Tier.BLOCKED
    assert tier_of(who(), AuthorsTable(trusted=("ann",), restricted=("ann",))) is Tier.TRUSTED
    assert tier_of(who(), AuthorsTable(restricted=("ann",))) is Tier.RESTRICTED


def test_a_permission_means_this_one_or_more_and_where_it_blocks_this_one_or_less():
    table = AuthorsTable(trusted=("maintain",), restricted=("triage",), blocked=("read",))
    tiers = [tier_of(who(permission=each), table) for each in Permission]
    assert tiers == [Tier.BLOCKED, Tier.BLOCKED, Tier.RESTRICTED, Tier.RESTRICTED, Tier.TRUSTED, Tier.TRUSTED]


def test_logins_compare_without_case_and_an_at_sign_tells_them_from_permissions():
    assert tier_of(who("Ann", Permission.NONE), AuthorsTable(trusted=("aNN",))) is Tier.TRUSTED
    assert tier_of(who("write", Permission.NONE), AuthorsTable(trusted=("write",))) is Tier.STRANGER
    assert tier_of(who("write", Permission.NONE), AuthorsTable(trusted=("@write",))) is Tier.TRUSTED


def test_names_of_how_somebody_belongs_stand_for_permissions_or_for_nobody():
    assert tier_of(who(permission=Permission.ADMIN), AuthorsTable(restricted=("OWNER",))) is Tier.RESTRICTED
    assert tier_of(who(permission=Permission.WRITE), AuthorsTable(restricted=("MEMBER",))) is Tier.RESTRICTED
    assert tier_of(who("CONTRIBUTOR", Permission.READ), AuthorsTable(trusted=("CONTRIBUTOR",))) is Tier.STRANGER


def test_bots_are_heard_only_by_name():
    bot = Account(login="renovate[bot]", is_bot=True)
    assert why(lambda: check_bot(bot, AuthorsTable(trusted=("write", "admin")))) == Why.BOT
    assert why(lambda: check_bot(bot, AuthorsTable(trusted=("renovate",)))) == Why.BOT
    assert tier_of(who("renovate", Permission.READ), AuthorsTable(trusted=("renovate[bot]",))) is Tier.STRANGER
    check_bot(bot, AuthorsTable(trusted=("Renovate[bot]",)))
    check_bot(Account(login="ann"), NOBODY)
    with pytest.raises(Refused) as caught:
        check_bot(bot, NOBODY)
    assert caught.value.verdict.outcome is Outcome.IGNORED


def test_strangers_and_the_blocked_start_nothing():
    assert why(lambda: check_sender(who(permission=Permission.TRIAGE), NOBODY)) == Why.NOT_PERMITTED
    assert why(lambda: check_sender(who(), AuthorsTable(blocked=("ann",)))) == Why.BLOCKED
    assert check_sender(who(), NOBODY) is Tier.TRUSTED


def test_texts_of_those_who_may_not_write_are_worked_on_only_shut_in():
    def contained(sender: Tier, author: Standing, table: AuthorsTable = NOBODY) -> bool:
        return needs_containment(sender=sender, author=author, authors=table)

    stranger = who("sam", Permission.READ)
    assert contained(Tier.TRUSTED, stranger)
    assert not contained(Tier.TRUSTED, who())
    assert contained(Tier.RESTRICTED, who())
    assert not contained(Tier.TRUSTED, stranger, AuthorsTable(trusted=("sam",)))
    assert why(lambda: contained(Tier.TRUSTED, stranger, AuthorsTable(blocked=("sam",)))) == Why.AUTHOR_BLOCKED


@pytest.mark.parametrize(("permission", "allowed", "listed"), list(product(Permission, [False, True], [False, True])))
def test_merging_by_itself_needs_the_project_and_the_person(permission: Permission, *, allowed: bool, listed: bool):
    table = TriggersTable(zte=allowed, authors=AuthorsTable(trusted=("ann",) if listed else ("write",)))

    def check() -> None:
        check_kind("zte", who=who(permission=permission), triggers=table)

    if not allowed:
        assert why(check) == Why.ZTE_OFF
    elif not listed and not permission.allows(Permission.MAINTAIN):
        assert why(check) == Why.ZTE_NOT_PERMITTED
    else:
        check()
    check_kind("sdlc", who=who(permission=permission), triggers=table)


@given(LOGINS, st.sampled_from(Permission), st.booleans(), TABLES)
def test_nobody_who_is_blocked_by_name_passes_whatever_else_is_listed(login, permission, is_bot, table):
    blocking = table.model_copy(update={"blocked": (*table.blocked, f"@{login}")})
    assert tier_of(who(login, permission, is_bot=is_bot), blocking) is Tier.BLOCKED


@given(LOGINS, TABLES, st.booleans())
def test_more_permission_never_means_less_trust_where_nobody_restricts(login, table, is_bot):
    plain = table.model_copy(update={"restricted": ()})
    ranks = [list(Tier).index(tier_of(who(login, each, is_bot=is_bot), plain)) for each in Permission]
    assert ranks == sorted(ranks)
