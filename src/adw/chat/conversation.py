"""Answers one turn: asks the model through the gateway, carries out its calls, writes down what is said as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

from adw.chat.prompt import guidance, mark_of, words_for, words_to_go_on
from adw.chat.tools import Caller, Doors, Tool, record_call, tools_for
from adw.domain.agent import ORCHESTRATOR, AgentLimits, AgentMessage, AgentResult, AgentTask, OwnTool, ToolPolicy
from adw.kit.log import get_logger
from adw.ports.agents import AgentRuntime
from adw.ports.gateway import GatewayVerdict, ModelGateway, RunGrant
from adw.store import chat_turns as turns
from adw.store.chat_turns import Turn
from adw.store.db import Database
from adw.store.deltas import CHAT_PREFIX, Writer
from adw.store.sessions import was_said

PHASE = "chat"
USUAL_BUDGET_USD = Decimal(20)
"""What a conversation may spend in a calendar month unless its orchestrator says otherwise."""
MOST_ATTEMPTS = 3
"""Workers that may take a turn; what makes all of them die is not tried for ever."""

_LIMITS = AgentLimits(max_turns=60, timeout_s=1800.0, idle_timeout_s=300.0)
_NO_TOOLS = ToolPolicy(tools=(), allowed=(), writable=())
_LONGEST_RESULT = 4_000
_NO_CREDENTIAL = (
    "I cannot answer: the server has no credential for the model API. Set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or "
    "CLAUDE_CODE_OAUTH_TOKEN where it is started, then `adw serve --restart`. `adw demo` needs none."
)
_REFUSED_CREDENTIAL = (
    " Check the credential the server was started with, such as ANTHROPIC_API_KEY; `adw doctor` shows it."
)

log = get_logger("chat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a turn ended. `state` is that of its items in the inbox."""

    state: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """What turns need. `folder` is where agents stand, empty and private; `model` is used unless a row names one."""

    database: Database
    runtime: AgentRuntime
    gateway: ModelGateway
    doors: Doors
    folder: Path
    model: str
    has_credential: bool = True
    """Whether a model can be asked at all; without one the answer says what to set."""

    async def answer(self, turn: Turn) -> None:
        """Answers the turn and ends it. Cancelling it ends the agent; the turn is then still held.

        Raises LostTurnError when another worker holds it by now, DatabaseError when nothing can be written.
        """
        ended = self._unready() or await self._given_up(turn) or await self._asked(turn)
        await self._end(turn, ended)

    async def interrupted(self, turn: Turn) -> None:
        """Ends a turn that somebody wanted to end, after `answer` was cancelled."""
        await self._end(turn, Ended(state="interrupted", answer="(interrupted)"))

    async def _end(self, turn: Turn, ended: Ended) -> None:
        self.database.deltas.drop(_writer(turn))
        async with self.database.begin() as connection:
            await turns.end_turn(connection, turn, state=ended.state, answer=ended.answer)
        log.info("turn_ended", turn=turn.id, state=ended.state)

    def _unready(self) -> Ended | None:
        return None if self.has_credential else Ended(state="refused", answer=_NO_CREDENTIAL)

    async def _given_up(self, turn: Turn) -> Ended | None:
        if turn.attempt <= MOST_ATTEMPTS:
            return None
        answer = "I could not answer this: each worker that tried ended before it was done. Please say it again."
        return Ended(state="failed", answer=answer)

    async def _asked(self, turn: Turn) -> Ended:
        budget_usd = USUAL_BUDGET_USD if turn.budget_usd is None else turn.budget_usd
        async with self.database.begin() as connection:
            account, left_usd = await turns.open_account(connection, turn.orchestrator_id, budget_usd=budget_usd)
        if left_usd <= 0:
            return Ended(state="refused", answer=_used_up(budget_usd))
        grant = RunGrant(
            agent_run_id=turns.run_id_of(turn),
            adw_id=account,
            phase=PHASE,
            attempt=turn.attempt,
            role=ORCHESTRATOR,
            budget_usd=budget_usd,
        )
        token = self.gateway.admit(grant)
        try:
            return await self._hold(turn, token=token, budget_usd=budget_usd)
        finally:
            self.gateway.revoke(token)

    async def _hold(self, turn: Turn, *, token: str, budget_usd: Decimal) -> Ended:
        scribe = _Scribe(database=self.database, turn=turn)
        result: AgentResult | None = None
        task = await self._task(turn, token=token, scribe=scribe)
        async with aclosing(self.runtime.run(task)) as items:
            async for item in items:
                if isinstance(item, AgentResult):
                    result = item
                else:
                    await scribe.take(item)
        verdict = self.gateway.verdict(task.run_id)
        if result is None:
            return Ended(state="failed", answer="I could not answer: the agent ended without a word.")
        return _ended(result, verdict, said=scribe.pending, budget_usd=budget_usd)

    async def _task(self, turn: Turn, *, token: str, scribe: _Scribe) -> AgentTask:
        project_key = f"chat-{turn.orchestrator_id}"
        session = turn.session_id
        if session is not None and not await self.runtime.can_resume(adw_id=project_key, session_id=session):
            await scribe.note("notice", "The conversation cannot be gone on with; what was said before is forgotten.")
            session = None
        words = words_for(turn)
        if session is not None:
            async with self.database.read() as connection:
                mark = mark_of(turn)
                if await was_said(connection, project_key=project_key, session_id=session, words=mark):
                    words = words_to_go_on(turn)
        return AgentTask(
            run_id=turns.run_id_of(turn),
            adw_id=project_key,
            role=ORCHESTRATOR,
            phase=PHASE,
            attempt=turn.attempt,
            model=turn.model or self.model,
            prompt=words,
            system=guidance(),
            cwd=self._place(turn),
            policy=_NO_TOOLS,
            limits=_LIMITS,
            gateway_url=self.gateway.url,
            run_token=token,
            resume_session=session,
            own_tools=self._tools(turn),
        )

    def _place(self, turn: Turn) -> Path:
        place = self.folder / str(turn.orchestrator_id)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place

    def _tools(self, turn: Turn) -> tuple[OwnTool, ...]:
        whose = turn.orchestrator_id
        caller = Caller(actor=actor_of(turn), source="chat", turn=turns.run_id_of(turn), orchestrator_id=whose)
        return tuple(_own(tool, self.doors, caller) for tool in tools_for(unasked=not turn.is_asked))


def actor_of(turn: Turn) -> str:
    """Whom everything done in a turn is recorded as done by."""
    return f"chat:{str(turn.orchestrator_id)[:8]}"


def _writer(turn: Turn) -> Writer:
    """Who is watched while writing."""
    return Writer(adw_id=f"{CHAT_PREFIX}{turn.orchestrator_id}", phase=PHASE, role=ORCHESTRATOR)


class _Scribe:
    """Writes down what is said. The last words are kept back: they are the answer, and are written when it ends."""

    def __init__(self, *, database: Database, turn: Turn) -> None:
        self._database = database
        self._turn = turn
        self.pending = ""

    async def take(self, message: AgentMessage) -> None:
        match message.kind:
            case "started" if message.session_id is not None:
                async with self._database.begin() as connection:
                    await turns.keep_session(connection, self._turn, message.session_id)
            case "text":
                await self._flush()
                self.pending = message.text
            case "thinking":
                await self._flush()
                await self.note("thinking", message.text)
            case "tool_use":
                await self._flush()
                about = {"tool": message.tool_name, "id": message.tool_use_id, "input": message.tool_input}
                await self.note("tool_use", message.tool_name or "", about)
            case "tool_result":
                about = {"id": message.tool_use_id, "isError": message.is_error}
                await self.note("tool_result", message.text[:_LONGEST_RESULT], about)
            case "retry":
                await self.note("notice", message.text)
            case "delta" if message.text:
                self._database.deltas.say(_writer(self._turn), message.text)
            case _:
                pass

    async def note(self, kind: str, message: str, metadata: Mapping[str, Any] | None = None) -> None:
        async with self._database.begin() as connection:
            await turns.note(connection, self._turn, kind=kind, message=message, metadata=metadata)

    async def _flush(self) -> None:
        said, self.pending = self.pending, ""
        if said:
            self._database.deltas.drop(_writer(self._turn))
            await self.note("text", said)


def _own(tool: Tool, doors: Doors, caller: Caller) -> OwnTool:
    async def call(given: Mapping[str, Any]) -> tuple[str, bool]:
        answer = await tool.call(doors, caller, given)
        await record_call(doors, tool, given, answer, who=caller.actor)
        return answer.text, answer.is_error

    return OwnTool(name=tool.name, about=tool.about, schema=tool.schema, call=call)


def _ended(result: AgentResult, verdict: GatewayVerdict, *, said: str, budget_usd: Decimal) -> Ended:
    if result.failure is None:
        return Ended(state="answered", answer=result.text or said)
    if verdict.budget_refused:
        return Ended(state="refused", answer=_used_up(budget_usd))
    hint = _REFUSED_CREDENTIAL if result.failure.api_status == HTTPStatus.UNAUTHORIZED else ""
    return Ended(state="failed", answer=f"I could not answer: {result.failure.message}{hint}")


def _used_up(budget_usd: Decimal) -> str:
    return (
        f"This conversation's budget for the month, {budget_usd:.2f} US dollars, is used up; nothing was asked of a "
        "model. Raise it with `adw chat --budget USD`, or wait for the next month."
    )
