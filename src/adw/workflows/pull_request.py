"""The workflow's pull request: opened once, found again by its branch, its body kept true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.events import EventType, NewEvent
from adw.domain.forge import PullRequest
from adw.domain.naming import title_of
from adw.domain.status import PrState
from adw.ports.engine import JsonValue
from adw.store.results import confirm_effect, intend_effect
from adw.workflows.context import PhaseContext


async def ensure_pull_request(ctx: PhaseContext, *, branch: str, title: str, body: str) -> int:
    """The number of the branch's pull request, opened as a draft if there is none yet."""
    key = f"{ctx.adw_id}:pull_request"

    async def open_it() -> JsonValue:
        await ctx.check_ownership()
        async with ctx.services.database.begin() as connection:
            await intend_effect(connection, key=key, adw_id=ctx.adw_id, kind="pull_request")
        made = await ctx.run.forge.ensure_pull_request(
            head=branch,
            base=ctx.run.workflow.base_branch,
            title=title_of(title) or title_of(ctx.run.workflow.issue_title),
            body=_with_reference(ctx, body),
            draft=True,
            key=key,
        )
        async with ctx.services.database.begin() as connection:
            await confirm_effect(connection, key=key, result={"number": made.number})
        return {"number": made.number, "state": made.state, "url": made.url}

    made: Mapping[str, Any] = await ctx.step("pull_request", open_it)
    opened = NewEvent(
        type=EventType.PULL_REQUEST_OPENED,
        phase=ctx.phase,
        message=f"pull request #{made['number']} is open" + (" as a draft" if made["state"] == PrState.DRAFT else ""),
        data=dict(made),
    )
    changes = {"pr_number": made["number"], "pr_state": made["state"]}
    await ctx.update("pull_request.opened", changes=changes, event=opened)
    return int(made["number"])


async def finish_pull_request(ctx: PhaseContext, *, number: int, ready: bool, table: str, name: str = "finish") -> None:
    """Puts the evidence into the body and, when the gates allow it, ends the draft."""

    async def write() -> JsonValue:
        forge = ctx.run.forge
        present = await forge.get_pull_request(number)
        if not present.is_open:
            return present.state
        await ctx.check_ownership()
        before = present.body.partition(_EVIDENCE)[0].rstrip()
        await forge.update_pull_request(number, body=f"{before}\n\n{_EVIDENCE}\n\n{table}\n")
        if not ready:
            return present.state
        await ctx.check_ownership()
        return (await forge.mark_ready(number)).state

    state: str = await ctx.step(f"pull_request.{name}", write)
    word = {"ready": "ready for review", "draft": "still a draft"}.get(state, state)
    event = NewEvent(
        type=EventType.PULL_REQUEST_UPDATED,
        phase=ctx.phase,
        message=f"pull request #{number} is {word}",
        data={"number": number, "state": state},
    )
    await ctx.update(f"pull_request.{name}.told", changes={"pr_state": state}, event=event)


async def withdraw(ctx: PhaseContext) -> int | None:
    """Inside a step: a ready pull request becomes a draft, where the forge can, before its evidence is void.

    Returns the number of the one that did, for `tell_withdrawn`; repeated, it finds the draft it made.
    """
    workflow = await ctx.check_ownership()
    number, forge = workflow.pr_number, ctx.run.forge
    if number is None or workflow.pr_state is not PrState.READY or not forge.capabilities.can_mark_draft:
        return None
    if not (await forge.get_pull_request(number)).is_open:
        return None
    await ctx.check_ownership()
    return number if (await forge.mark_draft(number)).state == PrState.DRAFT else None


async def tell_withdrawn(ctx: PhaseContext, number: int | None, *, name: str) -> None:
    """Records what `withdraw` did, if it did anything."""
    if number is None:
        return
    event = NewEvent(
        type=EventType.PULL_REQUEST_UPDATED,
        phase=ctx.phase,
        message=f"pull request #{number} is a draft again, until what it offers is verified anew",
        data={"number": number, "state": PrState.DRAFT.value},
    )
    await ctx.update(f"pull_request.withdrawn.{name}", changes={"pr_state": PrState.DRAFT.value}, event=event)


def merge_message(pull: PullRequest) -> str:
    """The squashed commit's message: title, number and description, without the evidence, which would age badly."""
    body = pull.body.partition(_EVIDENCE)[0].strip()
    return f"{pull.title} (#{pull.number})\n\n{body}".strip()


_EVIDENCE = "## Evidence"


def _with_reference(ctx: PhaseContext, body: str) -> str:
    number = ctx.run.workflow.issue_number
    closes = f"Closes #{number}\n\n" if number is not None else ""
    return f"{body.strip()}\n\n{closes}Workflow `{ctx.adw_id}`"
