"""Follows a workflow until it has ended or needs a person, whatever happens to the server meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from adw.cli.people import question_lines
from adw.domain.events import EventType
from adw.domain.status import UNFINISHED, Status, WaitReason
from adw.kit.errors import DatabaseError, ExitCode, UnreachableError

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import EventDict, WorkflowDict

PERSONAL = frozenset({WaitReason.APPROVAL, WaitReason.QUESTION, WaitReason.BUDGET, WaitReason.REVIEW})
"""Reasons of waiting that only a person can end."""
_MOST_RECONNECTS = 5
_RECONNECT_DELAY_S = 0.3
_COST_EVERY_S = 1.0
_PAGE = 1000


class Watcher(Protocol):
    """What is told while a workflow is followed."""

    def event(self, event: EventDict, /) -> None: ...

    def note(self, text: str, /) -> None:
        """A sentence of our own among the events."""
        ...

    def cost(self, cost_usd: object, /) -> None:
        """What has been spent so far, in US dollars; None when a price is unknown."""
        ...


def watch(
    connect: Callable[[], AdwClient], adw_id: str, watcher: Watcher, *, after: int = 0, types: Sequence[str] = ()
) -> WorkflowDict:
    """Tells events until nothing more will happen by itself; returns the workflow as it stands then.

    Events have a larger `seq` than `after`, and one of `types` unless there are none. `connect` gives a client, after
    starting the server again when it is gone. Raises UnreachableError when even that does not help.
    """
    following = _Following(adw_id, watcher, after=after, types=types)
    failures = 0
    while True:
        try:
            with connect() as client:
                view = following.go(client)
            failures = 0
        except (UnreachableError, DatabaseError):
            failures = 1 if following.is_fresh() else failures + 1
            if failures > _MOST_RECONNECTS:
                raise
            watcher.note("the server does not answer; connecting again")
            time.sleep(_RECONNECT_DELAY_S * failures)
            continue
        if is_settled(view):
            return view
        time.sleep(_RECONNECT_DELAY_S)


def is_settled(view: WorkflowDict) -> bool:
    """Whether it has ended, or goes on only after an answer."""
    return view["status"] not in UNFINISHED or needs_person(view)


def needs_person(view: WorkflowDict) -> bool:
    return view["status"] == Status.WAITING and view["waitReason"] in PERSONAL


def exit_code_of(view: WorkflowDict) -> ExitCode:
    """What the workflow's status means for the command that waited for it."""
    if view["status"] == Status.COMPLETED:
        return ExitCode.OK
    return ExitCode.WAITING if needs_person(view) else ExitCode.FAILED


def answer_lines(view: WorkflowDict) -> list[str]:
    """The commands that answer what a waiting workflow asks."""
    lines = [line for asked in view["approvals"] for line in question_lines(asked)]
    return lines or [f"see `adw workflow show {view['adwId']}`"]


class _Following:
    """How far a workflow has been told, over all connections."""

    def __init__(self, adw_id: str, watcher: Watcher, *, after: int, types: Sequence[str]) -> None:
        self._adw_id = adw_id
        self._watcher = watcher
        self._after = after
        self._types = tuple(types)
        self._fresh = False

    def is_fresh(self) -> bool:
        """Whether anything was told since this was asked last."""
        fresh, self._fresh = self._fresh, False
        return fresh

    def go(self, client: AdwClient) -> WorkflowDict:
        """Until the stream ends or a person is needed; then everything up to that moment has been told."""
        looked = 0.0
        view = client.get_workflow(self._adw_id)
        if not is_settled(view):
            # Waiting is looked at even if it is not to be told.
            asked = (*self._types, EventType.WORKFLOW_WAITING.value) if self._types else ()
            for event in client.stream_events(self._adw_id, after=self._after, types=asked):
                self._tell(event)
                may_wait = event["type"] == EventType.WORKFLOW_WAITING
                if may_wait or time.monotonic() - looked >= _COST_EVERY_S:
                    view = client.get_workflow(self._adw_id)
                    looked = time.monotonic()
                    self._watcher.cost(view["usage"]["costUsd"])
                if may_wait and needs_person(view):
                    break
            view = client.get_workflow(self._adw_id)
        if is_settled(view):
            self._catch_up(client)
        return view

    def _catch_up(self, client: AdwClient) -> None:
        cursor: int | None = self._after
        while cursor is not None:
            page = client.events(self._adw_id, after=cursor, limit=_PAGE, types=self._types)
            for event in page["events"]:
                self._tell(event)
            cursor = page["nextCursor"]

    def _tell(self, event: EventDict) -> None:
        self._after, self._fresh = event["seq"], True
        if not self._types or event["type"] in self._types:
            self._watcher.event(event)
