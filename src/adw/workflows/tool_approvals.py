"""Calls of agents' tools that a person must allow: asked once for each call, on record with the answer and its use.

A worker that dies while its agent waits leaves the question. The agent, resumed, makes the same call again and finds
it, answered or still open; an answer counts for one call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adw.domain.agent import Role, ToolCall, ToolGate, Verdict
from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.domain.stuck import fingerprint
from adw.domain.tool_rules import MAIN_ARGUMENTS, PATH_ARGUMENTS, ToolRule
from adw.kit.errors import AdwError
from adw.store import approvals
from adw.store.events import append_event
from adw.workflows.context import PhaseContext
from adw.workflows.narration import shortened
from adw.workflows.questions import LOOK_S, wait_for_answer

MAX_SUBJECT_CHARS = 2_000
MAX_INPUT_CHARS = 200_000
"""What is longer is kept with its long texts cut."""

_NOT_MADE = (
    "Go on without it, not by another way to the same end; say in your answer what is left undone because of it."
)
_NOBODY = f"A person must allow this call, and nobody has answered, so it was not made. {_NOT_MADE}"


def tool_gate(ctx: PhaseContext, role: Role, *, run_id: str, cwd: Path, look_s: float = LOOK_S) -> ToolGate | None:
    """The gate of one agent's conversation in `cwd`, where its project has rules. It looks every `look_s` seconds."""
    rules = tuple(ToolRule.parse(text) for text in ctx.run.config.agents.ask_before)
    if not rules:
        return None

    def concerns(call: ToolCall) -> bool:
        subject = _subject(call, cwd=cwd)
        return any(rule.matches(call.tool, subject) for rule in rules)

    async def ask(call: ToolCall) -> Verdict:
        question = _question(role, call, cwd=cwd)
        try:
            while True:
                asked = await _ask(ctx, role, call, question=question, run_id=run_id)
                answered = await wait_for_answer(ctx, asked, look_s=look_s)
                if await _use(ctx, answered):
                    return _verdict(answered)
        except AdwError as error:  # without an answer there is no call
            return Verdict(refusal=f"{_NOBODY} ({error.message})")

    return ToolGate(concerns=concerns, ask=ask)


async def _ask(ctx: PhaseContext, role: Role, call: ToolCall, *, question: str, run_id: str) -> Approval:
    mark = fingerprint(call.tool, call.given)[:16]
    about = {"role": role.value, "phase": ctx.phase, "tool": call.tool}
    is_long = len(json.dumps(call.given, default=str)) > MAX_INPUT_CHARS
    whole = {**about, "input": shortened(call.given) if is_long else dict(call.given)}
    async with ctx.services.database.begin() as connection:
        asked, is_new = await approvals.ask_once_more(
            connection,
            adw_id=ctx.adw_id,
            kind=ApprovalKind.TOOL,
            key=f"tool.{run_id}.{call.tool}.{mark}",
            question=question,
            data=whole,
        )
        if is_new:
            told = {"approvalId": str(asked.id), "kind": ApprovalKind.TOOL, **about, "input": shortened(call.given)}
            event = NewEvent(type=EventType.APPROVAL_REQUESTED, phase=ctx.phase, message=question, data=told)
            await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
    return asked


async def _use(ctx: PhaseContext, answered: Approval) -> bool:
    """Only the workflow's owner may act on an answer, and only once."""
    await ctx.check_ownership()
    async with ctx.services.database.begin() as connection:
        return await approvals.use(connection, approval_id=answered.id)


def _verdict(answered: Approval) -> Verdict:
    who, edited = answered.decided_by, answered.edited_input
    if answered.decision is Decision.DENIED:
        because = f": {answered.reason}" if answered.reason else ""
        return Verdict(refusal=f"{who} does not allow this call{because}. {_NOT_MADE}")
    if answered.decision is not Decision.ALLOWED:
        return Verdict(refusal=_NOBODY)
    if edited is None:
        return Verdict()
    note = f"{who} allowed this call with another input: {json.dumps(shortened(edited), ensure_ascii=False)}"
    return Verdict(edited=edited, note=note)


def _question(role: Role, call: ToolCall, *, cwd: Path) -> str:
    subject = _subject(call, cwd=cwd)
    more = len(subject) - MAX_SUBJECT_CHARS
    shown = f"{subject[:MAX_SUBJECT_CHARS]}… ({more} more characters)" if more > 0 else subject
    return f"May the {role} use {call.tool}{f': {shown}' if shown else ''}"


def _subject(call: ToolCall, *, cwd: Path) -> str:
    """The main argument; of a path what it leads to, relative to the workspace where it is inside."""
    name = MAIN_ARGUMENTS.get(call.tool, "")
    value = _text(call.given, name)
    if name not in PATH_ARGUMENTS:
        return value
    try:
        path, root = (cwd / Path(value).expanduser()).resolve(), cwd.resolve()
    except (OSError, RuntimeError, ValueError):  # no such user, loops of links, NUL: the tool will say so
        return value
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""
