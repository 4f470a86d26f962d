from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from adw.domain.account import Account
from adw.domain.notices import (
    ChecksNotice,
    CommentNotice,
    IssueNotice,
    IssueText,
    Notice,
    Origin,
    PullRequestNotice,
    PushNotice,
    ScheduleNotice,
    decode_notice,
    encode_notice,
    may_start_work,
    name_of,
    number_of,
    text_digest,
)
from adw.domain.project import ForgeKind

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHERE = Origin(forge=ForgeKind.GITHUB, repository="Octo/Hello", sender=Account(login="ann"), at=NOW)
TEXT = IssueText(number=7, title="T", body="B", state="open", author=Account(login="ben"), labels=("bug",))
ALL: list[Notice] = [
    IssueNotice(origin=WHERE, action="labeled", issue=TEXT, label="bug"),
    CommentNotice(origin=WHERE, comment_id="1", number=7, body="x", issue=TEXT),
    PullRequestNotice(origin=WHERE, number=7, what="synchronize", head_sha="a" * 40, branch="b"),
    ChecksNotice(origin=WHERE, sha="a" * 40, branches=("b",)),
    PushNotice(origin=WHERE, branch="main", sha=None),
    ScheduleNotice(origin=WHERE, schedule_id="1", due_at=NOW),
]


@pytest.mark.parametrize("notice", ALL, ids=name_of)
def test_a_notice_survives_being_stored(notice: Notice):
    again = decode_notice(encode_notice(notice))
    assert again == notice
    assert again.key == notice.key


def test_every_notice_has_a_key_of_its_own():
    assert len({notice.key for notice in ALL}) == len(ALL)


def test_a_key_says_what_happened_and_not_how_it_is_spelled():
    def labeled(**changes: Any) -> str:
        return IssueNotice(origin=replace(WHERE, **changes), action="labeled", issue=TEXT, label="bug").key

    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    assert labeled() == labeled(repository="octo/hello") == labeled(at=berlin) == labeled(sender=Account(login="x"))
    assert labeled() != labeled(at=NOW + timedelta(seconds=1))
    assert labeled() != labeled(repository="octo/other")


def test_an_issue_is_opened_once_and_a_comment_written_once():
    def key(of: Any, later: int = 0) -> str:
        return replace(of, origin=replace(WHERE, at=NOW + timedelta(days=later))).key

    opened = IssueNotice(origin=WHERE, action="opened", issue=TEXT)
    comment = CommentNotice(origin=WHERE, comment_id="1", number=7, body="x")
    assert key(opened) == key(opened, later=3)
    assert key(comment) == key(replace(comment, body="another", number=8), later=3)


def test_only_what_may_start_work_has_to_be_heard_once():
    starting = [notice for notice in ALL if may_start_work(notice)]
    assert [type(notice) for notice in starting] == [IssueNotice, CommentNotice, ScheduleNotice]
    assert not may_start_work(IssueNotice(origin=WHERE, action="edited", issue=TEXT))


def test_what_it_is_about_is_known():
    assert [number_of(notice) for notice in ALL] == [7, 7, 7, None, None, None]


def test_an_issue_says_the_same_whatever_its_line_ends():
    assert text_digest("T ", "a\r\nb") == text_digest("T", "a\nb") != text_digest("T", "a b")
    assert text_digest("ab", "c") != text_digest("a", "bc")
    assert text_digest("T", "\ud800")
