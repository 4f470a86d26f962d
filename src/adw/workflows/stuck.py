"""Agents that are stuck: seen while they are listened to, and what is done about it, on record before it is done.

How often an agent was nudged or replaced is read from the events of its record, so that no crash starts the count anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from adw.domain.agent import AgentFailure, AgentMessage, AgentResult, Role
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.stuck import Sighting, StuckAction, StuckKind, TreeRule, Watch, next_action
from adw.domain.usage import Usage
from adw.ports.workspace import Workspace
from adw.store import agent_outputs
from adw.store.agent_outputs import AgentOutput
from adw.store.db import Connection
from adw.store.events import append_event, get_workflow_events
from adw.store.sessions import was_said
from adw.workflows.context import PhaseContext
from adw.workflows.tool_words import describe_tool

_IDLE = "idle"
"""How a runtime says that it ended a conversation for its silence."""
_DONE = {
    StuckAction.NUDGE: "nudged",
    StuckAction.RESTART: "begun anew",
    StuckAction.STOP: "stopped",
}

Item = AgentMessage | AgentResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done about an agent that is stuck."""

    sighting: Sighting
    action: StuckAction
    before: tuple[StuckAction, ...]
    tree: TreeRule
    notice_id: str

    def event(self, role: Role, output: AgentOutput, *, phase: str) -> NewEvent:
        data = {
            "role": role,
            "kind": self.sighting.kind,
            "fact": self.sighting.fact,
            "action": self.action,
            "tree": self.tree,
            "reason": self.sentence(),
            "agentRun": str(output.id),
            "noticeId": self.notice_id,
        }
        message = f"{role} is stuck: {self.sighting.fact} ({_DONE[self.action]})"
        return NewEvent(type=EventType.AGENT_STUCK, phase=phase, message=message, data=data)

    def sentence(self) -> str:
        """Why the phase fails, when this is the end."""
        tried = [f"{_DONE[each]} {self.before.count(each)}x" for each in dict.fromkeys(self.before)]
        return self.sighting.fact + (f" (before that: {', '.join(tried)})" if tried else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the next words to an agent have to say about what was done, and what becomes of the tree."""

    text: str
    keeps_tree: bool


class Overseer:
    """Listens along to one turn. `sighting` says how it was found stuck, if it was."""

    def __init__(self, ctx: PhaseContext, *, cwd: Path) -> None:
        self._watch = Watch(limits=ctx.run.config.stuck.limits)
        self._silence_s = ctx.run.config.stuck.silence_s
        self._cwd = str(cwd)
        self._session: str | None = None
        self.sighting: Sighting | None = None

    async def follow(self, stream: AsyncGenerator[Item]) -> AsyncGenerator[Item]:
        """Passes everything on; ends the agent, and says its last word for it, once it is stuck."""
        async with aclosing(stream):
            while (item := await self._next(stream)) is not None:
                yield item
                if isinstance(item, AgentMessage) and (found := self._take(item)) is not None:
                    await stream.aclose()  # gone, with all it started, before anything is done about it
                    yield self._broken_off(found)
                    return

    async def _next(self, stream: AsyncGenerator[Item]) -> Item | None:
        clock = asyncio.timeout(self._watch.patience_s)
        try:
            async with clock:
                item = await anext(stream, None)
        except TimeoutError:
            if not clock.expired():
                raise
            return self._broken_off(self._watch.stalled())
        if isinstance(item, AgentResult) and item.stop_reason == _IDLE:
            fact = f"nothing was heard from it for {self._silence_s:g} s"
            self.sighting = Sighting(kind=StuckKind.SILENCE, fact=fact)
        return item

    def _take(self, message: AgentMessage) -> Sighting | None:
        self._session = message.session_id or self._session
        shown = describe_tool(message.tool_name or "", message.tool_input, cwd=self._cwd)
        self._watch = self._watch.take(message, shown=shown)
        return self._watch.repetition() if message.kind == "tool_result" else None

    def _broken_off(self, found: Sighting) -> AgentResult:
        self.sighting = found
        failure = AgentFailure(failure_class=FailureClass.AGENT_ERROR, message=found.fact, retryable=False)
        return AgentResult(session_id=self._session, usage=Usage(), stop_reason="stuck", failure=failure)


async def next_step(
    ctx: PhaseContext, output: AgentOutput, sighting: Sighting | None, *, can_resume: bool
) -> Step | None:
    """What is to be done about it, by the project's policy and by what was done before; None when nothing is.

    An agent whose request met a limit of the model API is not stuck: it was held back.
    """
    if sighting is None or ctx.services.gateway.verdict(str(output.id)).limit is not None:
        return None
    policy = ctx.run.config.stuck.policy(sighting.kind)
    before = tuple(StuckAction(each["action"]) for each in await _done_before(ctx, output))
    action = next_action(policy, before)
    if action is StuckAction.NUDGE and not can_resume:
        action = next_action(policy, (*before, *[StuckAction.NUDGE] * policy.nudges))
    return Step(sighting=sighting, action=action, before=before, tree=policy.tree, notice_id=str(uuid4()))


async def note_step(connection: Connection, ctx: PhaseContext, role: Role, output: AgentOutput, step: Step) -> None:
    """Records it in the transaction that records how the turn ended."""
    event = step.event(role, output, phase=ctx.phase)
    await append_event(connection, ctx.adw_id, event, owner_epoch=ctx.run.epoch)
    if step.action is StuckAction.RESTART:
        await agent_outputs.forget_session(connection, output_id=output.id)


async def words_about(
    ctx: PhaseContext, output: AgentOutput, workspace: Workspace | None, *, session: str | None
) -> Words | None:
    """What an agent has to hear of what was last done; None when there is nothing, or the session holds it already."""
    done = await _done_before(ctx, output)
    if not done:
        return None
    last, prompts = done[-1], ctx.services.prompts
    fact, notice = str(last["fact"]), str(last["noticeId"])
    if session is None:
        keeps = workspace is not None and last["tree"] == TreeRule.KEEP
        status = await workspace.status() if workspace is not None and keeps else None
        return Words(text=prompts.begin_anew(fact=fact, git_status=status), keeps_tree=keeps)
    if last["action"] != StuckAction.NUDGE or await _holds(ctx, session, notice):
        return None
    status = "" if workspace is None else await workspace.status()
    return Words(text=prompts.nudge(fact=fact, notice_id=notice, git_status=status), keeps_tree=True)


async def why_stopped(ctx: PhaseContext, output: AgentOutput) -> str | None:
    """Why this record's agent was given up for good, if it was: a step that runs again does not begin it once more."""
    done = await _done_before(ctx, output)
    return str(done[-1]["reason"]) if done and done[-1]["action"] == StuckAction.STOP else None


async def was_replaced(ctx: PhaseContext, output: AgentOutput) -> bool:
    """Whether the conversation of this record was given up, so that the next one owes nothing to any before it."""
    return any(each["action"] == StuckAction.RESTART for each in await _done_before(ctx, output))


async def _done_before(ctx: PhaseContext, output: AgentOutput) -> Sequence[dict[str, Any]]:
    async with ctx.services.database.read() as connection:
        events = await get_workflow_events(connection, ctx.adw_id, types=[EventType.AGENT_STUCK])
    return [dict(each.data) for each in events if each.data.get("agentRun") == str(output.id)]


async def _holds(ctx: PhaseContext, session: str, notice: str) -> bool:
    async with ctx.services.database.read() as connection:
        return await was_said(connection, project_key=ctx.adw_id, session_id=session, words=notice)
