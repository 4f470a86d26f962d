"""Everything GitHub was recorded to answer passes through our readers of headers, refusals and slices."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.corpora.recordings import Exchange, github3_exchanges, pygithub_exchanges
from tests.corpora.sdist import GITHUB3, PYGITHUB, SourceDistribution, fetch

from adw.domain.account import Account
from adw.forge.github.accounts import own_permission
from adw.forge.github.client.call import Answer
from adw.forge.github.client.failures import FailureKind, classify
from adw.forge.github.client.headers import query_of, read_headers
from adw.forge.github.client.repository import items_of, read
from adw.forge.github.reading import Reader
from adw.forge.github.rules import methods_of
from adw.forge.github.slices.base import Slice, User
from adw.forge.github.slices.checks import (
    AnnotationSlice,
    BranchSlice,
    CheckRunSlice,
    CombinedStatusSlice,
    ProtectionSlice,
    RuleSlice,
    StatusSlice,
    WorkflowRunSlice,
)
from adw.forge.github.slices.issues import CommentSlice, IssueEventSlice, IssueSlice
from adw.forge.github.slices.pulls import (
    CompareSlice,
    FileSlice,
    MergeSlice,
    PullSlice,
    RefSlice,
    ReviewCommentSlice,
    ReviewSlice,
)
from adw.forge.github.slices.repository import AppSlice, PermissionSlice, RepositorySlice

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = {FailureKind.PRIMARY_LIMIT, FailureKind.SECONDARY_LIMIT}
READER = Reader(ours=Account(login="jacquev6"))
R = r"/repos/[^/]+/[^/]+"
N = r"/\d+"
ENDPOINTS: list[tuple[str, type[Slice], str | None]] = [
    (rf"{R}", RepositorySlice, None),
    (rf"{R}/issues(?:{N})?", IssueSlice, None),
    (rf"{R}/issues/(?:\d+/)?comments(?:{N})?", CommentSlice, None),
    (rf"{R}/issues/events(?:{N})?", IssueEventSlice, None),
    (rf"{R}/issues{N}/events", IssueEventSlice, None),
    (rf"{R}/pulls(?:{N})?", PullSlice, None),
    (rf"{R}/pulls{N}/files", FileSlice, None),
    (rf"{R}/pulls{N}/merge", MergeSlice, None),
    (rf"{R}/pulls{N}/reviews(?:{N})?", ReviewSlice, None),
    (rf"{R}/pulls/(?:\d+/)?comments(?:{N})?(?:{N}/replies)?", ReviewCommentSlice, None),
    (rf"{R}/compare/.+", CompareSlice, None),
    (rf"{R}/git/refs?/heads/.+", RefSlice, None),
    (rf"{R}/commits/\w+/check-runs", CheckRunSlice, "check_runs"),
    (rf"{R}/check-runs{N}", CheckRunSlice, None),
    (rf"{R}/check-runs{N}/annotations", AnnotationSlice, None),
    (rf"{R}/commits/\w+/status", CombinedStatusSlice, None),
    (rf"{R}/(?:commits/\w+/statuses|statuses/\w+)", StatusSlice, None),
    (rf"{R}/actions/runs", WorkflowRunSlice, "workflow_runs"),
    (rf"{R}/actions/runs{N}/jobs", CheckRunSlice, "jobs"),
    (rf"{R}/branches/[^/]+", BranchSlice, None),
    (rf"{R}/branches/[^/]+/protection", ProtectionSlice, None),
    (rf"{R}/rules/branches/[^/]+", RuleSlice, None),
    (rf"{R}/collaborators/[^/]+/permission", PermissionSlice, None),
    (r"/user", User, None),
    (r"/app", AppSlice, None),
]
"""Which slice reads the answers of which address; the third names the field that holds a list."""

TURNED: dict[type[Slice], Callable[[Any], object]] = {
    IssueSlice: READER.issue,
    PullSlice: READER.pull,
    CommentSlice: lambda found: READER.comment(found, number=found.number),
    ReviewSlice: lambda found: READER.review(found, number=1, comments=()),
    ReviewCommentSlice: READER.thread_comment,
    RepositorySlice: lambda found: (own_permission(found.permissions), methods_of(found)),
}


@pytest.fixture(scope="module")
def corpus(request: pytest.FixtureRequest) -> Callable[[SourceDistribution], Path]:
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("corpora")
    return lambda wanted: fetch(wanted, cache=folder)


@pytest.mark.parametrize(
    ("wanted", "exchanges", "least", "refusals"),
    [
        (PYGITHUB, pygithub_exchanges, 2_300, {*LIMITS, FailureKind.DENIED, FailureKind.SERVER}),
        (GITHUB3, github3_exchanges, 1_000, {FailureKind.UNAUTHENTICATED}),
    ],
    ids=["PyGithub", "github3.py"],
)
def test_whatever_github_answered_can_be_read(
    corpus: Callable[[SourceDistribution], Path],
    wanted: SourceDistribution,
    exchanges: Callable[[Path], Iterator[Exchange]],
    least: int,
    refusals: set[FailureKind],
):
    read_by: Counter[type[Slice]] = Counter()
    kinds: Counter[FailureKind] = Counter()
    seen = 0
    for exchange in exchanges(corpus(wanted)):
        seen += 1
        _read_headers(exchange)
        failure = classify(status=exchange.status, headers=exchange.headers, body=exchange.body, now=NOW)
        assert (failure is None) == (exchange.status < 400)
        if failure is not None:
            assert failure.message
            kinds[failure.kind] += 1
        elif exchange.status in {200, 201} and exchange.body not in {b"", b"''"}:  # the second was left by an editor
            read_by.update(_read_slices(exchange))
    assert seen >= least
    assert read_by[IssueSlice] > 100
    assert read_by[RepositorySlice] > 100
    assert {*refusals, FailureKind.NOT_FOUND} <= kinds.keys()
    assert FailureKind.UNEXPECTED not in kinds


def _read_headers(exchange: Exchange) -> None:
    found = read_headers(exchange.headers, now=NOW)
    if exchange.headers.get("link"):
        assert found.links, exchange.where
        assert all(query_of(found.links[name]) for name in ("next", "last") if name in found.links), exchange.where
    if "x-ratelimit-remaining" in exchange.headers:
        assert found.allowance is not None, exchange.where
    assert found.etag == exchange.headers.get("etag")


def _read_slices(exchange: Exchange) -> Iterable[type[Slice]]:
    path = re.sub(r"^/api/v3", "", exchange.path)
    kind, within = next(((kind, within) for way, kind, within in ENDPOINTS if re.fullmatch(way, path)), (None, None))
    if kind is None or not exchange.headers.get("content-type", "").startswith("application/json"):
        return
    answer = Answer(status=exchange.status, headers=exchange.headers, body=exchange.body)
    is_list = within is not None or isinstance(answer.json(), list)
    for item in items_of(answer, within=within) if is_list else [answer.json()]:
        turn = TURNED.get(kind, lambda found: found)
        assert turn(read(kind, item)) is not None
        yield kind
