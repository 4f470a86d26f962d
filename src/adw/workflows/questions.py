"""Questions of agents to people: a tool that waits a while for the answer, and does without when none comes.

A question is asked once in an attempt, however often its agent is started anew; the first answer stands.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from adw.domain.agent import OwnTool, Role
from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.events import EventType, NewEvent
from adw.kit.errors import AdwError
from adw.store import approvals
from adw.store.events import append_event
from adw.workflows.context import PhaseContext

MAX_QUESTION_CHARS = 4_000
LONGEST_WAIT_S = 300.0
LOOK_S = 1.0
QUIET = frozenset({Role.CLASSIFIER})
"""Roles that have nothing to ask."""

_ABOUT = (
    "Asks the people behind this work one question and waits some minutes for the answer. Only for what nobody but "
    "them can know and what would change the work; say what you would do without an answer. Not for approval."
)
_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"question": {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION_CHARS}},
    "required": ["question"],
    "additionalProperties": False,
}
_NOBODY = "Nobody has answered. Do what you think is best, and say in your answer what you assumed."


def question_tools(ctx: PhaseContext, role: Role, *, round_number: int, look_s: float = LOOK_S) -> tuple[OwnTool, ...]:
    """The tool, where the project lets its agents ask. It looks for the answer every `look_s` seconds."""
    if not ctx.run.config.agents.questions or role in QUIET:
        return ()

    async def call(given: Mapping[str, Any]) -> tuple[str, bool]:
        question = given.get("question")
        if not isinstance(question, str) or not question.strip():
            return "say what you want to know in `question`", True
        try:
            asked = await _ask(ctx, role, question.strip()[:MAX_QUESTION_CHARS], round_number=round_number)
            return _words(await wait_for_answer(ctx, asked, look_s=look_s)), False
        except AdwError as error:  # it goes on without an answer
            return f"{_NOBODY} ({error.message})", True

    return (OwnTool(name="ask_person", about=_ABOUT, schema=_SCHEMA, call=call),)


async def wait_for_answer(ctx: PhaseContext, asked: Approval, *, look_s: float) -> Approval:
    """As it is answered, or expired when nobody did in time."""
    until = time.monotonic() + min(LONGEST_WAIT_S, ctx.run.config.stuck.silence_s / 2)
    while asked.decision is Decision.PENDING and time.monotonic() < until:
        await asyncio.sleep(look_s)
        asked = await _look(ctx, asked.id)
    if asked.decision is Decision.PENDING:
        async with ctx.services.database.begin() as connection:
            await approvals.expire(connection, approval_id=asked.id)
        asked = await _look(ctx, asked.id)
    return asked


async def _ask(ctx: PhaseContext, role: Role, question: str, *, round_number: int) -> Approval:
    mark = hashlib.sha256(question.encode(errors="surrogatepass")).hexdigest()[:12]
    data = {"role": role.value, "phase": ctx.phase}
    async with ctx.services.database.begin() as connection:
        asked, is_new = await approvals.ask(
            connection,
            adw_id=ctx.adw_id,
            kind=ApprovalKind.QUESTION,
            key=f"{ctx.phase}.{ctx.attempt}.{role}.{round_number}.{mark}",
            question=question,
            data=data,
        )
        if is_new:
            told = {"approvalId": str(asked.id), "kind": ApprovalKind.QUESTION, **data}
            event = NewEvent(type=EventType.APPROVAL_REQUESTED, phase=ctx.phase, message=question, data=told)
            await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
    return asked


async def _look(ctx: PhaseContext, approval_id: UUID) -> Approval:
    async with ctx.services.database.read() as connection:
        return await approvals.get_approval(connection, approval_id)


def _words(asked: Approval) -> str:
    if asked.decision is Decision.ALLOWED:
        return f"{asked.decided_by} answers: {asked.reason or 'yes'}"
    if asked.decision is Decision.DENIED:
        return f"{asked.decided_by} does not answer this{f': {asked.reason}' if asked.reason else ''}. {_NOBODY}"
    return _NOBODY
