"""Respond: one round on the open pull request. What others did is taken in, what they said is acted upon.

Everything verified before is verified again afterwards, for it was shown on another commit; answers are given only
then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.kinds import VERIFYING
from adw.ports.engine import JsonValue
from adw.store.agent_outputs import get_agent_outputs
from adw.store.db import Connection
from adw.store.events import append_event
from adw.store.phases import supersede_phases
from adw.workflows.adoption import look_for_others
from adw.workflows.context import PhaseContext
from adw.workflows.editing import edit
from adw.workflows.facts import recall_head, require_naming
from adw.workflows.rounds import RoundOrder, recall_round
from adw.workflows.rounds_base import bring_up_to_date
from adw.workflows.saving import save
from adw.workflows.worktree import Worktree, open_worktree, set_up

_OUTCOMES = frozenset({"done", "declined", "open"})


async def run(ctx: PhaseContext) -> Mapping[str, Any]:
    order = await recall_round(ctx)
    if order is None:
        return {"changed": False, "answers": []}
    naming = await require_naming(ctx)
    await look_for_others(replace(ctx, part="others."))
    before = await recall_head(ctx)
    worktree = await open_worktree(ctx, branch=naming.branch)
    head = before
    if order.base is not None:
        head = await bring_up_to_date(ctx, worktree, head=head, base=order.base)
    answers: list[dict[str, Any]] = []
    if order.items:
        head, answers = await _act(ctx, worktree, order, head=head)
    if head != before:
        await _void(ctx, head=head)
    return {"round": order.number, "head": head, "changed": head != before, "answers": answers}


async def _act(
    ctx: PhaseContext, worktree: Worktree, order: RoundOrder, *, head: str
) -> tuple[str, list[dict[str, Any]]]:
    """The implementor's conversation goes on with what came up; returns the new head and its answers."""
    await set_up(ctx, worktree)
    session: str | None = await ctx.step("session", lambda: _latest_session(ctx))
    prompt = ctx.services.prompts.respond(
        issue=ctx.run.issue, items=order.items, commands=_commands(worktree), round_number=order.number
    )
    answer = await edit(ctx, worktree, role=Role.IMPLEMENTOR, prompt=prompt, start_commit=head, session=session)
    message = str(answer.get("commit_message") or "fix: answer what came up on the pull request")
    saved = await save(ctx, worktree, name="round", message=message, since=head)
    return saved or head, _answers(answer)


async def _latest_session(ctx: PhaseContext) -> JsonValue:
    """The conversation in which the work was done, or the last round was answered."""
    async with ctx.services.database.read() as connection:
        outputs = await get_agent_outputs(connection, ctx.adw_id)
    done = [each for each in outputs if each.agent_name == Role.IMPLEMENTOR and each.success and each.session_id]
    return done[-1].session_id if done else None


async def _void(ctx: PhaseContext, *, head: str) -> None:
    """What verifies is done again on the new head."""

    async def work(connection: Connection) -> JsonValue:
        names = [phase for phase in ctx.run.workflow.phases if phase in VERIFYING]
        await supersede_phases(connection, adw_id=ctx.adw_id, names=names)
        message = f"the pull request is at {head[:12]} now; results of older commits count no more"
        event = NewEvent(type=EventType.WORKFLOW_UPDATED, phase=ctx.phase, message=message, data={"headSha": head})
        await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
        return None

    await ctx.transaction("void", work)


def _answers(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an agent said to each item, as far as it has the form it was asked for."""
    given: Any = answer.get("answers")
    listed = cast("Sequence[Any]", given) if isinstance(given, list) else ()
    found = [cast("Mapping[str, Any]", each) for each in listed if isinstance(each, dict)]
    return [
        {"item": each["item"], "outcome": each["outcome"], "reply": str(each.get("reply") or "")}
        for each in found
        if isinstance(each.get("item"), int) and each.get("outcome") in _OUTCOMES
    ]


def _commands(worktree: Worktree) -> list[str]:
    commands = worktree.commands
    return [each.shown for each in (commands.build, commands.lint, commands.test) if each is not None]
