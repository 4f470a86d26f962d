"""Follows a workflow until it has ended or needs a person, whatever happens to the server meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from adw.cli.progress import Progress
from adw.domain.status import UNFINISHED, Status, WaitReason
from adw.kit.errors import ExitCode, UnreachableError

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import WorkflowDict

PERSONAL = frozenset({WaitReason.APPROVAL, WaitReason.QUESTION, WaitReason.BUDGET})
"""Reasons of waiting that only a person can end."""
_MOST_RECONNECTS = 5
_RECONNECT_DELAY_S = 0.3
_COST_EVERY_S = 1.0


def watch(connect: Callable[[], AdwClient], adw_id: str, progress: Progress) -> WorkflowDict:
    """Shows events until nothing more will happen by itself; returns the workflow as it stands then.

    `connect` gives a client, after starting the server again when it is gone. Raises UnreachableError when even that
    does not help.
    """
    after, failures = 0, 0
    while True:
        try:
            with connect() as client:
                view, after = _follow(client, adw_id, after=after, progress=progress)
            failures = 0
        except UnreachableError:
            failures += 1
            if failures > _MOST_RECONNECTS:
                raise
            progress.note("the server does not answer; connecting again")
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
    lines: list[str] = []
    for asked in view["approvals"]:
        short = str(asked["id"])[:8]
        raising = " --budget USD" if asked["kind"] == "budget" else ""
        lines += [
            str(asked["question"]),
            f"  adw approval allow {short}{raising}",
            f'  adw approval deny {short} --reason "..."',
        ]
    return lines or [f"see `adw workflow show {view['adwId']}`"]


def _follow(client: AdwClient, adw_id: str, *, after: int, progress: Progress) -> tuple[WorkflowDict, int]:
    """Until the stream ends or a person is needed."""
    looked = 0.0
    view = client.get_workflow(adw_id)
    for event in client.stream_events(adw_id, after=after):
        after = event["seq"]
        progress.event(event)
        may_wait = event["type"] == "workflow_waiting"
        if may_wait or time.monotonic() - looked >= _COST_EVERY_S:
            view = client.get_workflow(adw_id)
            looked = time.monotonic()
            progress.cost(view["usage"]["costUsd"])
        if may_wait and needs_person(view):
            return view, after
    return client.get_workflow(adw_id), after
