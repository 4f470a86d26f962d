"""One conversation of one agent as a step: started once, resumed after a crash, recorded, paid for.

The record of the conversation is made before it starts and holds its session as soon as that is known. A step that
runs again finds it: finished, its answer stands; unfinished, the conversation goes on in the tree as it was left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adw.domain.agent import AgentFailure, AgentLimits, AgentResult, AgentTask, Role, ToolPolicy
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import FailureClass
from adw.domain.message import Message
from adw.domain.phase import PhaseStatus
from adw.domain.stuck import StuckAction
from adw.kit.errors import InfrastructureError
from adw.ports.engine import JsonValue
from adw.ports.gateway import RunGrant
from adw.ports.prompts import Prompt
from adw.ports.workspace import Workspace
from adw.store import agent_outputs
from adw.store.agent_outputs import AgentOutput
from adw.store.events import append_event, append_events
from adw.store.phases import list_phases
from adw.workflows.containment import confine_agent, isolation
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed
from adw.workflows.limits import held_by_limit, stopped_by_limit, wait_for_limit
from adw.workflows.messages import is_spoken_to, note_delivery, to_say
from adw.workflows.money import refused_for_money, wait_for_money
from adw.workflows.narration import Narrator
from adw.workflows.questions import question_tools
from adw.workflows.snapshots import Snapshots
from adw.workflows.stuck import Overseer, Step, next_step, note_step, was_replaced, why_stopped, words_about
from adw.workflows.tool_approvals import tool_gate

READ_ONLY = ToolPolicy(tools=("Read", "Glob", "Grep"), allowed=("Read", "Glob", "Grep"), writable=())
NO_TOOLS = ToolPolicy(tools=(), allowed=(), writable=())
EDITOR = ToolPolicy(
    tools=("Read", "Glob", "Grep", "Write", "Edit", "Bash"),
    allowed=("Read", "Glob", "Grep", "Write", "Edit", "Bash"),
)

_RESUMABLE = frozenset(
    {FailureClass.TRANSIENT, FailureClass.USAGE_LIMIT, FailureClass.BUDGET_EXCEEDED, FailureClass.INFRASTRUCTURE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What one agent is to do, and where."""

    role: Role
    prompt: Prompt
    policy: ToolPolicy
    cwd: Path
    round: int = 0
    workspace: Workspace | None = None
    """The tree it may change; None for agents that only answer."""
    start_commit: str | None = None
    """What the tree is reset to when the conversation cannot be resumed."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables for its tools, such as the project's own `PATH` and ports."""
    session: str | None = None
    """An earlier conversation in which this one is held, if it can still be resumed."""


async def converse(ctx: PhaseContext, conversation: Conversation) -> Mapping[str, Any]:
    """Holds the conversation and gives `{structured, text}`. Raises PhaseFailed; may wait for money or for a limit."""

    async def work() -> JsonValue:
        return await _hold(ctx, conversation)

    name = f"{conversation.role}.{conversation.round}"
    record: Mapping[str, Any] = await ctx.step(name, work)
    if record["outcome"] == "limited":
        await wait_for_limit(ctx, record)
    if record["outcome"] == "budget":
        await wait_for_money(ctx, record)
    if record["outcome"] == "failed":
        final = bool(record.get("final"))
        raise PhaseFailed(FailureClass(record["class"]), str(record["message"]), final=final)
    return record


async def _hold(ctx: PhaseContext, conversation: Conversation) -> JsonValue:
    output = await _open_record(ctx, conversation)
    if output.success:
        return _answer(output.output_text, output.output_jsonl)
    if output.success is False and (reason := await why_stopped(ctx, output)) is not None:
        return _stopped(conversation.role, reason)
    resume = await _session_to_resume(ctx, conversation, output)
    begins_in = None
    if resume is None and output.session_id is None:
        begins_in = await _resumable(ctx, conversation.session)
    delays = iter(ctx.services.retry_delays_s)
    goes_on = False
    while True:
        held = await held_by_limit(ctx, output.model or "")
        if held is not None:
            return held
        result, goes_on, step = await _one_go(
            ctx, conversation, output, resume or begins_in, goes_on=goes_on, begins=resume is None
        )
        begins_in = None
        if step is not None and step.action is StuckAction.STOP:
            return _stopped(conversation.role, step.sentence())
        if goes_on or step is not None:
            resume = None if step is not None and step.action is StuckAction.RESTART else result.session_id
            continue
        if result.failure is None:
            return _answer(result.text, result.structured)
        outcome = await refused_for_money(ctx, str(output.id)) or stopped_by_limit(ctx, str(output.id))
        delay = next(delays, None) if result.failure.retryable else None
        if outcome is not None or delay is None:
            return outcome or _failed(conversation.role, result.failure)
        await asyncio.sleep(delay)
        resume = await _resumable(ctx, result.session_id)


async def _one_go(
    ctx: PhaseContext,
    conversation: Conversation,
    output: AgentOutput,
    resume: str | None,
    *,
    goes_on: bool,
    begins: bool,
) -> tuple[AgentResult, bool, Step | None]:
    """From a process's start to its end; the token it used is worthless afterwards.

    `goes_on` and the second answer: the agent is done, but people have said something since that it has to hear. The
    third is what has to be done because it is stuck.
    """
    services = ctx.services
    said = await to_say(ctx, conversation.role, output, session=resume)
    token = services.gateway.admit(
        RunGrant(
            agent_run_id=str(output.id),
            adw_id=ctx.adw_id,
            phase=ctx.phase,
            attempt=ctx.attempt,
            role=conversation.role,
            budget_usd=ctx.run.workflow.budget_usd,
            prices={model: entry.price for model, entry in ctx.run.config.agents.prices.items()},
            fallback=ctx.run.config.agents.fallback,
            fallback_on=ctx.run.config.agents.fallback_on,
        )
    )
    overseer = Overseer(ctx, cwd=conversation.cwd)
    try:
        task = await _task(
            ctx, conversation, output, resume=resume, token=token, said=said, goes_on=goes_on, begins=begins
        )
        result = _forgiving(conversation, await _listen(ctx, conversation, output, task, overseer, said=said))
    finally:
        services.gateway.revoke(token)
    can_resume = overseer.sighting is not None and await _resumable(ctx, result.session_id) is not None
    step = await next_step(ctx, output, overseer.sighting, can_resume=can_resume)
    return result, await _close_record(ctx, conversation, output, result, step), step


def _forgiving(conversation: Conversation, result: AgentResult) -> AgentResult:
    """An agent whose work is in the tree may owe us its summary: gates judge the work, and names have defaults."""
    failure = result.failure
    if failure is None or not failure.answer_missing or not conversation.policy.writable:
        return result
    return replace(result, failure=None)


async def _listen(
    ctx: PhaseContext,
    conversation: Conversation,
    output: AgentOutput,
    task: AgentTask,
    overseer: Overseer,
    *,
    said: Sequence[Message],
) -> AgentResult:
    services = ctx.services
    snapshots = Snapshots(
        ctx,
        conversation.workspace if conversation.policy.writable else None,
        since=conversation.start_commit or ctx.run.workflow.base_sha,
        output_id=output.id,
    )
    narrator = Narrator(
        services.database,
        adw_id=ctx.adw_id,
        phase=ctx.phase,
        role=conversation.role,
        epoch=ctx.run.epoch,
        cwd=conversation.cwd,
    )
    try:
        async with narrator, aclosing(overseer.follow(services.runtime.run(task))) as stream:
            async for item in stream:
                if isinstance(item, AgentResult):
                    await narrator.flush()
                    await snapshots.take()
                    return item
                if item.kind == "started" and item.session_id:
                    await _note_session(ctx, conversation, output, task, session_id=item.session_id, said=said)
                await narrator.say(item)
                if item.kind == "tool_result":
                    await snapshots.take_if_due()
    except asyncio.CancelledError:
        await snapshots.take_for_heir()
        raise
    raise InfrastructureError("an agent ended without a result")


async def _task(
    ctx: PhaseContext,
    conversation: Conversation,
    output: AgentOutput,
    *,
    resume: str | None,
    token: str,
    said: Sequence[Message],
    goes_on: bool,
    begins: bool,
) -> AgentTask:
    workspace = conversation.workspace
    stuck = await words_about(ctx, output, workspace, session=resume)
    keeps_tree = stuck is not None and stuck.keeps_tree
    if begins and workspace is not None and conversation.start_commit is not None and not keeps_tree:
        await workspace.reset(conversation.start_commit)
    words = [conversation.prompt.text]
    if resume is not None and not begins:
        status = "" if workspace is None else await workspace.status()
        words = [] if stuck is not None or (goes_on and said) else [ctx.services.prompts.resume(git_status=status)]
        if conversation.session is not None and words:
            words.insert(0, conversation.prompt.text)  # that session was there before the task was given in it
    if stuck is not None:
        words.append(stuck.text)
    if said:
        words.append(ctx.services.prompts.messages(messages=said))
    agents = ctx.run.config.agents
    limits = AgentLimits()
    return AgentTask(
        run_id=str(output.id),
        adw_id=ctx.adw_id,
        role=conversation.role,
        phase=ctx.phase,
        attempt=ctx.attempt,
        model=output.model or "",
        prompt="\n\n".join(words),
        system=conversation.prompt.system,
        cwd=conversation.cwd,
        policy=conversation.policy,
        limits=AgentLimits(
            max_turns=agents.max_turns or limits.max_turns,
            timeout_s=agents.timeout_s or limits.timeout_s,
            idle_timeout_s=ctx.run.config.stuck.silence_s,
        ),
        gateway_url=ctx.services.gateway.url,
        run_token=token,
        schema=conversation.prompt.schema,
        resume_session=resume,
        env=conversation.env,
        runtime=agents.runtime,
        own_tools=question_tools(ctx, conversation.role, round_number=conversation.round),
        gate=tool_gate(ctx, conversation.role, run_id=str(output.id), cwd=conversation.cwd),
        confinement=confine_agent(ctx, cwd=conversation.cwd, workspace=workspace, policy=conversation.policy),
    )


async def _open_record(ctx: PhaseContext, conversation: Conversation) -> AgentOutput:
    workflow = ctx.run.workflow
    model = workflow.options.model or ctx.services.pick_model(conversation.role, workflow.model_set, ctx.run.config)
    async with ctx.services.database.begin() as connection:
        return await agent_outputs.create_agent_output(
            connection,
            adw_id=ctx.adw_id,
            agent_name=conversation.role,
            phase=ctx.phase,
            attempt=ctx.attempt,
            round_number=conversation.round,
            model=model,
        )


async def _session_to_resume(ctx: PhaseContext, conversation: Conversation, output: AgentOutput) -> str | None:
    """The record's own session after a crash, else that of the attempt before when its failure was not its own.

    An attempt before that has no result lost its process, which is no fault of the conversation either.
    """
    own = await _resumable(ctx, output.session_id)
    if own is not None or output.session_id is not None or ctx.attempt == 1 or await was_replaced(ctx, output):
        return own
    async with ctx.services.database.read() as connection:
        before = [
            each
            for each in await agent_outputs.get_agent_outputs(connection, ctx.adw_id)
            if (each.phase, each.attempt) == (ctx.phase, ctx.attempt - 1)
            and (each.agent_name, each.round) == (conversation.role, conversation.round)
        ]
        attempts = await list_phases(connection, ctx.adw_id)
    given_up = any(
        row.status is PhaseStatus.SUPERSEDED and (row.phase, row.attempt) == (ctx.phase, ctx.attempt - 1)
        for row in attempts
    )
    if given_up:
        return None
    if before and (before[0].ended_at is None or before[0].failure_class in _RESUMABLE):
        return await _resumable(ctx, before[0].session_id)
    return None


async def _resumable(ctx: PhaseContext, session_id: str | None) -> str | None:
    if session_id is None:
        return None
    known = await ctx.services.runtime.can_resume(adw_id=ctx.adw_id, session_id=session_id)
    return session_id if known else None


async def _note_session(
    ctx: PhaseContext,
    conversation: Conversation,
    output: AgentOutput,
    task: AgentTask,
    *,
    session_id: str,
    said: Sequence[Message],
) -> None:
    """Before anything is asked: the session, so that a crash can resume it, and which messages it hears."""
    resumed = task.resume_session is not None
    data = {
        "role": conversation.role,
        "model": output.model,
        "sessionId": session_id,
        "resumed": resumed,
        "isolation": isolation(ctx),
    }
    message = f"{conversation.role} {'resumed' if resumed else 'started'}"
    started = NewEvent(type=EventType.AGENT_STARTED, phase=ctx.phase, message=message, data=data)
    async with ctx.services.database.begin() as connection:
        await append_event(connection, ctx.adw_id, started, owner_epoch=ctx.run.epoch)
        await agent_outputs.record_session(connection, output_id=output.id, session_id=session_id)
        if resumed:
            await agent_outputs.count_retry(connection, output_id=output.id)
        told = await note_delivery(connection, ctx, conversation.role, output, said=said)
        await append_events(connection, ctx.adw_id, told, owner_epoch=ctx.run.epoch)


async def _close_record(
    ctx: PhaseContext, conversation: Conversation, output: AgentOutput, result: AgentResult, step: Step | None
) -> bool:
    """Records how it ended, unless it goes on because people have said something meanwhile; tells which.

    The workflow's row is locked by the event, so that nothing can be said between the look and the record.
    """
    failure = result.failure
    data = {
        "role": conversation.role,
        "turns": result.turns,
        "durationMs": result.duration_ms,
        "stopReason": result.stop_reason,
        "failure": None if failure is None else {"class": failure.failure_class, "message": failure.message},
    }
    ending = "finished" if failure is None else f"failed: {failure.message}"
    finished = NewEvent(
        type=EventType.AGENT_FINISHED, phase=ctx.phase, message=f"{conversation.role} {ending}", data=data
    )
    async with ctx.services.database.begin() as connection:
        await append_event(connection, ctx.adw_id, finished, owner_epoch=ctx.run.epoch)
        await agent_outputs.finish_agent_output(connection, output_id=output.id, result=result)
        if step is not None:
            await note_step(connection, ctx, conversation.role, output, step)
        if failure is not None or not await is_spoken_to(connection, ctx, conversation.role):
            return False
        if await _resumable(ctx, result.session_id) is None:
            return False
        await agent_outputs.keep_open(connection, output_id=output.id)
        return True


def _answer(text: str | None, structured: Mapping[str, Any] | None) -> JsonValue:
    return {"outcome": "ok", "text": text or "", "structured": dict(structured or {})}


def _failed(role: Role, failure: AgentFailure) -> JsonValue:
    return {
        "outcome": "failed",
        "class": failure.failure_class.value,
        "message": f"the {role} did not finish: {failure.message}",
    }


def _stopped(role: Role, reason: str) -> JsonValue:
    """It was nudged and begun anew by itself as often as makes sense; the phase is not tried once more."""
    message = f"the {role} is stuck: {reason}"
    return {"outcome": "failed", "class": FailureClass.AGENT_ERROR.value, "message": message, "final": True}
