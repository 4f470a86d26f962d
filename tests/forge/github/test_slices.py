"""Slices survive whatever is new, missing or null."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adw.domain.account import Account
from adw.forge.github.client.repository import read
from adw.forge.github.reading import Reader
from adw.forge.github.slices import checks, issues, pulls, repository
from adw.forge.github.slices.base import LONG_AGO, Slice, User
from adw.kit.errors import ForgeError

SLICES = sorted(
    {
        each
        for module in (checks, issues, pulls, repository)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Slice)
    },
    key=lambda each: (each.__module__, each.__name__),
)
NOBODY = Reader(ours=None)
US = Reader(ours=Account(login="Adw"))


@pytest.mark.parametrize("kind", SLICES)
def test_no_field_is_needed(kind: type[Slice]):
    nulls = {field.alias or name: None for name, field in kind.model_fields.items()}
    assert read(kind, nulls) == read(kind, {}) == read(kind, {"a_field_of_tomorrow": [1]})


@pytest.mark.parametrize("found", [None, [], "text", 3])
def test_something_else_altogether_is_the_forges_failure(found: Any):
    with pytest.raises(ForgeError, match="IssueSlice"):
        read(issues.IssueSlice, found)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T12:00:00+02:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("2026-05-01T10:00:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        (1777629600, datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("yesterday", LONG_AGO),
        ("", LONG_AGO),
        (None, LONG_AGO),
    ],
)
def test_times_are_read_in_any_form(text: Any, moment: datetime):
    assert read(issues.IssueSlice, {"created_at": text}).created_at == moment


@pytest.mark.parametrize(
    ("labels", "names"),
    [([{"name": "a"}, "b", {"name": None}, None, 3], ("a", "b")), (None, ()), ({"odd": 1}, ())],
)
def test_labels_come_in_several_forms(labels: Any, names: tuple[str, ...]):
    assert read(issues.IssueSlice, {"labels": labels}).labels == names


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ({"state": "open"}, "ready"),
        ({"state": "open", "draft": True}, "draft"),
        ({"state": "closed"}, "closed"),
        ({"state": "closed", "merged_at": "2026-05-01T10:00:00Z", "merge_commit_sha": "m"}, "merged"),
        ({"state": "open", "title": "[WIP] x", "user": {"login": "adw"}}, "draft"),
        ({"state": "open", "title": "[WIP] x", "user": {"login": "ada"}}, "ready"),
    ],
)
def test_states_of_a_pull_request(found: dict[str, Any], state: str):
    pull = US.pull(read(pulls.PullSlice, found))
    assert pull.state == state
    assert pull.merge_sha == ("m" if state == "merged" else None)


def test_a_pull_request_of_a_fork_that_is_gone_can_be_read():
    pull = NOBODY.pull(
        read(pulls.PullSlice, {"number": 1, "head": {"ref": "b", "sha": "s", "repo": None}, "user": None})
    )
    assert (pull.head_branch, pull.author) == ("b", "ghost")


def test_bots_are_known_by_their_account():
    assert User(login="x", type="Bot").is_bot
    assert User(login="x[bot]").is_bot
    assert not User(login="robot").is_bot


def test_a_review_that_was_dismissed_counts_no_more():
    found = read(pulls.ReviewSlice, {"state": "DISMISSED", "body": None})
    review = NOBODY.review(found, number=1, comments=[])
    assert (review.state, review.is_dismissed, review.body) == ("commented", True, "")


@pytest.mark.parametrize(
    ("sent", "body", "key"),
    [
        ("a\n\n<!-- adw:key=k -->", "a", "k"),
        ("a\r\n\r\n<!-- adw:key=k -->", "a", "k"),
        ("<!-- adw:key=k -->", "", "k"),
        ("\n\n<!-- adw:key=k -->", "", "k"),
        ("a <!-- adw:key=k -->", "a <!-- adw:key=k -->", None),
        ("<!-- adw:key=k -->\n\n<!-- adw:key= -->", "<!-- adw:key=k -->", None),
        ("a", "a", None),
    ],
)
def test_a_mark_is_read_from_the_last_line_of_what_we_wrote(sent: str, body: str, key: str | None):
    assert US.text(sent, by=User(login="ADW")) == (body, key)
    assert US.text(sent, by=User(login="eve")) == (sent, None)
    assert NOBODY.text(sent, by=User(login="adw")) == (sent, None)
