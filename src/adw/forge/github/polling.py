"""What changed in a repository since the last look. A look at a quiet repository costs four answers of "not modified".

The cursor holds, for each list, the time from which on it is asked for and the name of the last answer. An answer
that was not modified since is still told again unless the cursor says that it was dealt with: who crashed between
hearing of changes and storing the cursor hears of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast

import orjson

from adw.domain.changes import Changes, LabelChange
from adw.forge.github.client.call import Answer
from adw.forge.github.client.repository import S, is_full, items_of, read
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.slices.base import Made
from adw.forge.github.slices.issues import CommentSlice, IssueEventSlice, IssueSlice
from adw.forge.github.slices.pulls import PullSlice
from adw.kit.errors import UsageError

M = TypeVar("M", bound=Made)

_LISTS = ("issues", "comments", "pulls", "events")
_MOST_PAGES = 5
"""In one look; what is left is told at the next."""
_PAGE_SIZE = 100
_LABELS = {"labeled": True, "unlabeled": False}
_OVERLAP = timedelta(seconds=2)
"""GitHub shows some changes a little later than others that came after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One list as the cursor remembers it."""

    since: str
    etag: str | None = None
    seen: int = 0


async def changes_since(desk: Desk, cursor: str | None, *, now: datetime) -> Changes:
    """None begins now, with nothing to tell: what was there before is nobody's news."""
    if cursor is None:
        return Changes(cursor=_written(await _begin(desk, now=now)))
    looks = _looks(cursor)
    reader = await desk.reader()
    issues, issues_look, all_issues = await _since(desk, IssueSlice, "/issues", looks["issues"], query={"state": "all"})
    comments, comments_look, all_comments = await _since(desk, CommentSlice, "/issues/comments", looks["comments"])
    pulls, pulls_look = await _pulls(desk, looks["pulls"])
    events, events_look = await _events(desk, looks["events"])
    after = {"issues": issues_look, "comments": comments_look, "pulls": pulls_look, "events": events_look}
    return Changes(
        cursor=_written(after),
        issues=tuple(reader.issue(found) for found in issues if found.pull_request is None),
        comments=tuple(reader.comment(found, number=found.number) for found in comments),
        labels=tuple(_label(event) for event in events if event.event in _LABELS),
        pulls=tuple(reader.pull(found) for found in pulls),
        is_complete=all_issues and all_comments,
    )


async def label_changes(desk: Desk, number: int) -> list[LabelChange]:
    """Who put which label on an issue and took which off, oldest first."""
    path = f"/issues/{check_number(number, what='issue')}/events"
    return [
        replace(_label(event), number=number)
        async for event in desk.api.each(IssueEventSlice, path, what=f"see who labelled #{number}")
        if event.event in _LABELS
    ]


async def _since(
    desk: Desk, kind: type[M], path: str, look: _Look, *, query: Mapping[str, str] | None = None
) -> tuple[list[M], _Look, bool]:
    """Oldest change first, from the time of the last one on."""
    asked = {**(query or {}), "sort": "updated", "direction": "asc", "since": look.since}
    found, etag, is_all = list[M](), look.etag, True
    pages = 0
    async for page in desk.api.pages(path, what="see what changed", query=asked, page_size=_PAGE_SIZE):
        pages += 1
        if pages == 1:
            etag = page.etag
            if _is_told(page, look) and page.next_query is None and not is_full(page, _PAGE_SIZE):
                return [], look, True
        found += [read(kind, item) for item in items_of(page)]
        if pages >= _MOST_PAGES and page.next_query is not None:
            is_all = False
            break
    return found, _moved(look, found, etag=etag), is_all


async def _pulls(desk: Desk, look: _Look) -> tuple[list[PullSlice], _Look]:
    """Pull requests have no `since`: they are read newest change first, until one is as old as the last look."""
    since = _time(look.since)
    query = {"state": "all", "sort": "updated", "direction": "desc"}

    def is_old(pull: PullSlice) -> bool:
        return pull.updated_at < since

    found, etag = await _newest_first(desk, PullSlice, "/pulls", query=query, look=look, is_old=is_old)
    return sorted(found, key=lambda pull: pull.updated_at), _moved(look, found, etag=etag)


async def _events(desk: Desk, look: _Look) -> tuple[list[IssueEventSlice], _Look]:
    """Events are told once each, by their number."""
    since = _time(look.since) - timedelta(minutes=1)

    def is_old(event: IssueEventSlice) -> bool:
        return event.id <= look.seen or event.created_at < since

    found, etag = await _newest_first(desk, IssueEventSlice, "/issues/events", query={}, look=look, is_old=is_old)
    newest = max((event.id for event in found), default=look.seen)
    return sorted(found, key=lambda event: event.id), _Look(since=look.since, etag=etag, seen=newest)


async def _newest_first(
    desk: Desk, kind: type[S], path: str, *, query: Mapping[str, str], look: _Look, is_old: Callable[[S], bool]
) -> tuple[list[S], str | None]:
    found, etag, pages = list[S](), look.etag, 0
    async for page in desk.api.pages(path, what="see what changed", query=query, page_size=_PAGE_SIZE):
        pages += 1
        if pages == 1:
            etag = page.etag
            if _is_told(page, look):
                return [], etag
        fresh = [item for item in (read(kind, each) for each in items_of(page)) if not is_old(item)]
        found += fresh
        if len(fresh) < len(items_of(page)) or pages >= 2 * _MOST_PAGES:
            break
    return found, etag


def _is_told(page: Answer, look: _Look) -> bool:
    return page.etag is not None and page.etag == look.etag


def _moved(look: _Look, found: list[M], *, etag: str | None) -> _Look:
    """An answer's name belongs to the time that was asked for, so it is dropped when that moves on."""
    if not found:
        return _Look(since=look.since, etag=etag)
    latest = max(max(each.updated_at for each in found) - _OVERLAP, _time(look.since))
    since = _stamp(latest)
    return _Look(since=since, etag=etag if since == look.since else None)


def _label(event: IssueEventSlice) -> LabelChange:
    return LabelChange(
        id=str(event.id),
        number=event.issue.number,
        label=event.label.name,
        is_added=_LABELS[event.event],
        actor=event.actor.login,
        created_at=event.created_at,
        actor_is_bot=event.actor.is_bot,
        is_pull_request=event.issue.pull_request is not None,
    )


async def _begin(desk: Desk, *, now: datetime) -> dict[str, _Look]:
    """The present, by GitHub's clock, and the event that happened last."""
    answer = await desk.api.send("GET", "/issues/events", what="see what happened last", query={"per_page": "1"})
    with suppress(KeyError, ValueError):
        now = parsedate_to_datetime(answer.headers["date"])
    last = max((read(IssueEventSlice, item).id for item in items_of(answer)), default=0)
    return {name: _Look(since=_stamp(now), seen=last) for name in _LISTS}


def _looks(cursor: str) -> dict[str, _Look]:
    try:
        known = cast("dict[str, Any]", orjson.loads(cursor))
        return {name: _Look(**known[name]) for name in _LISTS}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError("this is no cursor of GitHub's changes", hint="begin anew without one") from error


def _written(looks: Mapping[str, _Look]) -> str:
    fields = {name: {"since": look.since, "etag": look.etag, "seen": look.seen} for name, look in looks.items()}
    return orjson.dumps(fields).decode()


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
