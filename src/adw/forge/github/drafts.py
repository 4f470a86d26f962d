"""Drafts: GitHub's own where it has them, else pull requests whose title says so."""

from __future__ import annotations

from adw.domain.forge import PullRequest
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.graphql import ask
from adw.forge.github.desk import Desk, check_number
from adw.forge.github.reading import WIP, Reader
from adw.forge.github.slices.pulls import PullSlice
from adw.kit.errors import ConflictError

_REFUSALS = frozenset({FailureKind.INVALID, FailureKind.UNEXPECTED, FailureKind.DENIED})


async def set_draft(desk: Desk, number: int, *, draft: bool) -> PullRequest:
    """Makes an open pull request a draft, or ready. Raises `ConflictError` for one that was closed unmerged."""
    check_number(number, what="pull request")
    reader = await desk.writer()
    done = await desk.effects.settle(
        read=lambda: _read(desk, number),
        is_done=lambda pull: pull.state != "open" or _is_draft(reader, pull) == draft,
        act=lambda pull: _change(desk, reader, pull, draft=draft),
    )
    if done.state == "closed" and done.merged_at is None:
        raise ConflictError(f"pull request #{number} is closed")
    return reader.pull(done)


async def _change(desk: Desk, reader: Reader, pull: PullSlice, *, draft: bool) -> PullSlice:
    if not draft and reader.is_wip(pull):
        return await _retitle(desk, pull, pull.title.removeprefix(WIP))
    operation = "MarkDraft" if draft else "MarkReady"
    what = f"make pull request #{pull.number} {'a draft' if draft else 'ready'}"
    refused = await ask(desk.api, operation, {"id": pull.node_id}, what=what, accept=_REFUSALS)
    present = await _read(desk, pull.number)
    if _is_draft(reader, present) == draft or present.state != "open":
        return present
    if isinstance(refused, Failure):
        if draft:
            return await _retitle(desk, pull, f"{WIP}{pull.title}")
        raise ConflictError(f"GitHub refused to {what}: {refused}")
    return present.model_copy(update={"draft": draft})  # what is shown lags behind what was done


async def _retitle(desk: Desk, pull: PullSlice, title: str) -> PullSlice:
    what = f"retitle pull request #{pull.number}"
    return await desk.api.change(PullSlice, "PATCH", f"/pulls/{pull.number}", what=what, json={"title": title})


async def _read(desk: Desk, number: int) -> PullSlice:
    return await desk.api.get(PullSlice, f"/pulls/{number}", what=f"read pull request #{number}")


def _is_draft(reader: Reader, pull: PullSlice) -> bool:
    return pull.draft or reader.is_wip(pull)
