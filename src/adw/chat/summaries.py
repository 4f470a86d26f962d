"""A cheap model tells what a phase came to, after it and beside it: nothing waits for that, and nothing fails of it."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from pathlib import Path

from adw.agents.fence import fence
from adw.domain.agent import SUMMARIZER, AgentLimits, AgentResult, AgentTask, ToolPolicy
from adw.domain.config import ProjectConfig
from adw.domain.phase import PhaseStatus
from adw.domain.workflow import Workflow
from adw.kit.errors import AdwError
from adw.kit.log import get_logger
from adw.ports.agents import AgentRuntime
from adw.ports.gateway import ModelGateway, RunGrant
from adw.ports.projects import ProjectAccess
from adw.project.base_files import BaseFiles
from adw.store import summaries as wishes
from adw.store.db import Database
from adw.store.projects import get_project
from adw.store.summaries import Wish
from adw.store.workflows import require_workflow

MAX_SUMMARY_CHARS = 600
LEAST_SHARE = Decimal("0.1")
"""Less than this of the budget is left to the work itself."""
LIMITED_S = 300.0
"""How long a summary waits at a time while the model API holds everybody back."""

_MOST_MATERIAL = 12_000
_LIMITS = AgentLimits(max_turns=1, timeout_s=60.0, idle_timeout_s=30.0)
_NO_TOOLS = ToolPolicy(tools=(), allowed=(), writable=())

log = get_logger("summaries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """What summaries need. `runtime` asks a model without any process; `model` is used unless a project names one."""

    database: Database
    runtime: AgentRuntime
    gateway: ModelGateway
    access: ProjectAccess
    folder: Path
    model: str

    async def write_one(self) -> bool:
        """One try at the oldest summary that is wanted; False when there is none. Raises DatabaseError."""
        async with self.database.read() as connection:
            if not await wishes.is_wanted(connection):
                return False
        async with self.database.begin() as connection:
            wish = await wishes.take_wish(connection)
        if wish is None:
            return False
        try:
            await self._grant(wish)
        except AdwError as error:  # another try may do better, and without one there is none
            log.info("no_summary", adw_id=wish.adw_id, phase=wish.phase, reason=error.message)
        return True

    async def _grant(self, wish: Wish) -> None:
        async with self.database.read() as connection:
            workflow = await require_workflow(connection, wish.adw_id)
            project = await get_project(connection, workflow.project_id)
            told = wish.status is PhaseStatus.FAILED or await wishes.had_agents(connection, wish)
            share = await wishes.share_left(connection, wish.adw_id)
            lines = await wishes.headlines_of(connection, wish)
        if not told or share < LEAST_SHARE:
            async with self.database.begin() as connection:
                return await wishes.drop_wish(connection, wish)
        config = await BaseFiles(access=self.access, project=project, sha=workflow.base_sha).config()
        model = config.summaries.model or self.model
        if await self.gateway.limit_on(model) is not None:
            async with self.database.begin() as connection:
                return await wishes.postpone(connection, wish, by_s=LIMITED_S)
        summary = await self._ask(wish, workflow, config, model=model, words=_words(workflow, wish, lines))
        if summary:
            async with self.database.begin() as connection:
                await wishes.keep_summary(connection, wish, summary)
        return None

    async def _ask(self, wish: Wish, workflow: Workflow, config: ProjectConfig, *, model: str, words: str) -> str:
        run_id = f"summary-{wish.adw_id}-{wish.phase}-{wish.attempt}"
        grant = RunGrant(
            agent_run_id=run_id,
            adw_id=wish.adw_id,
            phase=wish.phase,
            attempt=wish.attempt,
            role=SUMMARIZER,
            budget_usd=workflow.budget_usd,
            prices={name: entry.price for name, entry in config.agents.prices.items()},
        )
        token = self.gateway.admit(grant)
        try:
            return await self._answer(self._task(wish, run_id=run_id, token=token, model=model, words=words))
        finally:
            self.gateway.revoke(token)

    async def _answer(self, task: AgentTask) -> str:
        async with aclosing(self.runtime.run(task)) as items:
            async for item in items:
                if isinstance(item, AgentResult):
                    if item.failure is not None:
                        log.info("no_summary", adw_id=task.adw_id, phase=task.phase, reason=item.failure.message)
                        return ""
                    return _short(item.text)
        return ""

    def _task(self, wish: Wish, *, run_id: str, token: str, model: str, words: str) -> AgentTask:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return AgentTask(
            run_id=run_id,
            adw_id=wish.adw_id,
            role=SUMMARIZER,
            phase=wish.phase,
            attempt=wish.attempt,
            model=model,
            prompt=words,
            system=_guidance(),
            cwd=self.folder,
            policy=_NO_TOOLS,
            limits=_LIMITS,
            gateway_url=self.gateway.url,
            run_token=token,
        )


@cache
def _guidance() -> str:
    return (resources.files("adw.agents") / "prompts" / "summarizer.md").read_text(encoding="utf-8")


def _words(workflow: Workflow, wish: Wish, lines: list[str]) -> str:
    title = " ".join(workflow.issue_title.split())[:200]
    log_text = _middle_out("\n".join([f"issue: {title}", *lines]))
    head = f"The phase `{wish.phase}`, attempt {wish.attempt}, ended as {wish.status}. What happened, oldest first:"
    return f"{head}\n\n{fence(log_text, label='log')}"


def _middle_out(text: str) -> str:
    """The beginning and, twice as long, the end of what is too long."""
    if len(text) <= _MOST_MATERIAL:
        return text
    third = _MOST_MATERIAL // 3
    return f"{text[:third]}\n(...)\n{text[-2 * third :]}"


def _short(text: str) -> str:
    joined = re.sub(r"\s+", " ", text).strip()
    return joined if len(joined) <= MAX_SUMMARY_CHARS else f"{joined[: MAX_SUMMARY_CHARS - 1]}…"
