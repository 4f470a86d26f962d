"""Carries out one command of a free agent, through the gateway and in its own place, and writes down what happens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal

from adw.chat.agency.places import Desk, Places
from adw.chat.agency.scribe import Scribe
from adw.chat.agency.words import mark_of, system_prompt, words_for, words_to_go_on
from adw.chat.conversation import MOST_ATTEMPTS
from adw.chat.conversation import USUAL_BUDGET_USD as ORCHESTRATOR_USD
from adw.domain.agent import FREE_AGENT, AgentLimits, AgentResult, AgentTask
from adw.domain.free_agent import USUAL_BUDGET_USD, AgentCommand, CommandState, FreeAgent, policy_of
from adw.kit.errors import AdwError, DatabaseError
from adw.kit.log import get_logger
from adw.ports.agents import AgentRuntime
from adw.ports.gateway import GatewayVerdict, ModelGateway, RunGrant
from adw.store import free_agent_work as store
from adw.store.chat_turns import open_account
from adw.store.db import Database
from adw.store.free_agent_work import AgentWork, LostAgentError
from adw.store.free_agents import get_agent, latest_commands
from adw.store.orchestrators import orchestrator_settings
from adw.store.sessions import was_said

PHASE = "command"

_LIMITS = AgentLimits(max_turns=200, timeout_s=3600.0, idle_timeout_s=600.0)
_REST_S = 3.0
"""Before a command is taken up again whose agent failed for a reason that may pass."""
_PUT_AWAY_AGAIN_S = 600.0
_GIVEN_UP = "Given up: each worker that took this up ended before it was done."

log = get_logger("agency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended, and what is said of it."""

    state: CommandState
    answer: str
    may_pass: bool = False
    """It failed, and might not if it were tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeAgents:
    """What commands need. `models` are other names for models; `model` is used unless an agent has one of its own."""

    database: Database
    runtime: AgentRuntime
    gateway: ModelGateway
    places: Places
    models: Mapping[str, str]
    model: str

    async def carry_out(self, work: AgentWork) -> None:
        """Does it and ends it. Cancelling it ends the agent's processes; the work is then still held.

        Raises LostAgentError when another worker has it by now, DatabaseError when nothing can be written.
        """
        if work.command is None:
            await self._put_away(work)
            return
        try:
            outcome = _beyond_doing(work.agent, work.command) or await self._done(work, work.command)
        except (DatabaseError, LostAgentError):
            raise
        except AdwError as error:
            outcome = Outcome(state=CommandState.FAILED, answer=_reason(error))
        if outcome.may_pass and work.command.attempt < MOST_ATTEMPTS:
            await self._rest(work, outcome)
        else:
            await self._end(work, outcome)

    async def stopped(self, work: AgentWork) -> None:
        """Ends a command that somebody wanted to end, after `carry_out` was cancelled and all processes are gone."""
        async with self.database.read() as connection:
            agent = await get_agent(connection, work.agent.id)
        if agent.deleted_at is None and agent.host == self.places.host:
            await self._save(work, agent)
        await self._end(work, Outcome(state=CommandState.INTERRUPTED, answer="interrupted"))

    async def _end(self, work: AgentWork, outcome: Outcome) -> None:
        async with self.database.begin() as connection:
            await store.end_work(connection, work, state=outcome.state, answer=outcome.answer)
        log.info("command_ended", agent=work.agent.name, run=work.run_id, state=outcome.state.value)

    async def _rest(self, work: AgentWork, outcome: Outcome) -> None:
        async with self.database.begin() as connection:
            said = f"{outcome.answer} It is tried again."
            await store.note_work(connection, work, kind="notice", body=said)
            await store.rest_work(connection, work, seconds=_REST_S)

    async def _put_away(self, work: AgentWork) -> None:
        try:
            kept = await self.places.put_away(work.agent)
        except DatabaseError:
            raise
        except AdwError as error:
            log.warning("agent_not_put_away", agent=work.agent.name, place=work.agent.place, reason=error.message)
            async with self.database.begin() as connection:
                await store.rest_work(connection, work, seconds=_PUT_AWAY_AGAIN_S)
            return
        async with self.database.begin() as connection:
            await store.end_removal(connection, work, kept_as=kept)

    async def _done(self, work: AgentWork, command: AgentCommand) -> Outcome:
        budget_usd = USUAL_BUDGET_USD if work.agent.budget_usd is None else work.agent.budget_usd
        account, short = await self._account(work, budget_usd=budget_usd)
        if short is not None:
            return Outcome(state=CommandState.FAILED, answer=short)
        if work.agent.snapshot_sha is None:  # known before it is made, so that whatever happens it is removed one day
            await self._remember(work, host=self.places.host)
        desk = await self.places.open(work.agent)
        await self._remember(work, host=self.places.host, place=str(desk.cwd))
        grant = RunGrant(
            agent_run_id=work.run_id,
            adw_id=account,
            phase=PHASE,
            attempt=command.attempt,
            role=FREE_AGENT,
            budget_usd=budget_usd,
        )
        token = self.gateway.admit(grant)
        try:
            outcome = await self._hold(work, command, desk, token=token)
        finally:
            self.gateway.revoke(token)
        await self._save(work, work.agent, desk)
        return outcome

    async def _account(self, work: AgentWork, *, budget_usd: Decimal) -> tuple[str, str | None]:
        """The account this month's requests are booked on, and why none can be made, if so."""
        orchestrator_id = work.agent.orchestrator_agent_id
        async with self.database.begin() as connection:
            chosen = await orchestrator_settings(connection, orchestrator_id)
            most_usd = ORCHESTRATOR_USD if chosen.budget_usd is None else chosen.budget_usd
            _, left_of_all = await open_account(connection, orchestrator_id, budget_usd=most_usd)
            account, left = await store.open_agent_account(connection, work, budget_usd=budget_usd)
        if left_of_all <= 0:
            return account, _used_up("orchestrator's", most_usd)
        return account, _used_up("agent's", budget_usd) if left <= 0 else None

    async def _hold(self, work: AgentWork, command: AgentCommand, desk: Desk, *, token: str) -> Outcome:
        scribe = Scribe(database=self.database, work=work, cwd=desk.cwd)
        result: AgentResult | None = None
        task = await self._task(work.agent, command, desk, token=token, run_id=work.run_id, scribe=scribe)
        async with aclosing(self.runtime.run(task)) as items:
            async for item in items:
                if isinstance(item, AgentResult):
                    result = item
                else:
                    await scribe.take(item)
        if result is None:
            return Outcome(state=CommandState.FAILED, answer="The agent ended without a word.")
        return _outcome(result, self.gateway.verdict(task.run_id), said=scribe.pending)

    async def _task(
        self, agent: FreeAgent, command: AgentCommand, desk: Desk, *, token: str, run_id: str, scribe: Scribe
    ) -> AgentTask:
        policy = policy_of(agent.tools)
        session, prompt = await self._words(agent, command, desk, scribe)
        return AgentTask(
            run_id=run_id,
            adw_id=session_key(agent),
            role=FREE_AGENT,
            phase=PHASE,
            attempt=command.attempt,
            model=self.models.get((agent.model or "").lower(), agent.model) or self.model,
            prompt=prompt,
            system=system_prompt(agent),
            cwd=desk.cwd,
            policy=policy,
            limits=_LIMITS,
            gateway_url=self.gateway.url,
            run_token=token,
            resume_session=session,
            env=desk.env,
            confinement=self.places.confine(desk, policy, door=self.gateway.door),
        )

    async def _words(
        self, agent: FreeAgent, command: AgentCommand, desk: Desk, scribe: Scribe
    ) -> tuple[str | None, str]:
        """The conversation to go on with, if it can be, and what is said in it."""
        key, session = session_key(agent), agent.session_id
        if session is not None and not await self.runtime.can_resume(adw_id=key, session_id=session):
            await scribe.note("notice", "The conversation cannot be gone on with; what was said before is forgotten.")
            session = None
        async with self.database.read() as connection:
            if session is not None and await was_said(
                connection, project_key=key, session_id=session, words=mark_of(command)
            ):
                return session, words_to_go_on(command, note=desk.note)
            recent = await latest_commands(connection, agent.id, limit=20)
        before = next((each for each in recent if each.id < command.id), None)
        return session, words_for(command, before=before if session else None, note=desk.note)

    async def _save(self, work: AgentWork, agent: FreeAgent, desk: Desk | None = None) -> None:
        """What cannot be saved now is so with the next command; it is no reason for this one to fail."""
        try:
            saved = await self.places.save(agent, desk or await self.places.open(agent))
        except DatabaseError:
            raise
        except AdwError as error:
            log.warning("agent_not_saved", agent=agent.name, reason=error.message)
            return
        if saved is not None:
            await self._remember(work, snapshot_sha=saved)

    async def _remember(self, work: AgentWork, **facts: str) -> None:
        async with self.database.begin() as connection:
            await store.keep_facts(connection, work, **facts)


def session_key(agent: FreeAgent) -> str:
    """Under what its conversation is kept."""
    return f"agent-{agent.id}"


def _beyond_doing(agent: FreeAgent, command: AgentCommand) -> Outcome | None:
    if agent.deleted_at is not None:
        return Outcome(state=CommandState.INTERRUPTED, answer="the agent was deleted")
    if command.attempt > MOST_ATTEMPTS:
        return Outcome(state=CommandState.FAILED, answer=_GIVEN_UP)
    return None


def _outcome(result: AgentResult, verdict: GatewayVerdict, *, said: str) -> Outcome:
    if result.failure is None:
        return Outcome(state=CommandState.DONE, answer=result.text or said or "(nothing was said)")
    if verdict.budget_refused:
        answer = "The budget for this month is used up: the agent's own, its orchestrator's or one that bounds all."
        return Outcome(state=CommandState.FAILED, answer=f"{answer} What was done until then stands.")
    failure = result.failure
    return Outcome(state=CommandState.FAILED, answer=failure.message, may_pass=failure.retryable)


def _used_up(whose: str, budget_usd: Decimal) -> str:
    return f"The {whose} budget for this month, {budget_usd:.2f} US dollars, is used up; nothing was asked of a model."


def _reason(error: AdwError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
