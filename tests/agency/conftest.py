"""Free agents in one process: real rows, git, gateway and launcher, the plain runtime, a scripted model."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adw.agents.claude import ClaudeRuntime
from adw.agents.plain.runtime import PlainRuntime
from adw.agents.scripted_model import Scenario, parse_scenario, serve_scripted_model
from adw.agents.sessions import ClaudeSessionStore
from adw.chat.agency import FreeAgents, Places
from adw.control.agency import Agency, AgentOrder, Ground
from adw.domain.free_agent import AgentCommand, AgentLogEntry, FreeAgent
from adw.domain.prices import LIST_PRICES
from adw.gateway import Credential, Gateway, Upstream
from adw.intake.service import Intake
from adw.kit.paths import DataPaths
from adw.kit.process import Lifeline, SupervisedLauncher
from adw.ports.agents import AgentRuntime
from adw.store import chat, free_agents
from adw.store.db import Database
from adw.store.free_agent_log import read_log
from adw.store.free_agent_work import AgentWork, take_work
from adw.store.orchestrators import Orchestrator, get_or_create_orchestrator
from adw.store.sessions import PostgresTranscripts
from adw.store.usage import UsageBook
from adw.wiring.projects import LocalProjects
from adw.worker.agency import AgentSource
from adw.worker.holding import Holder
from adw.workspace.git import GitWorkspaces
from adw.workspace.sandbox import HostContainment, ThisMachine, find_sandbox, inner_variables

MODEL = "claude-sonnet-5-5"
HOST = "here"
TEMPLATE = "---\nname: painter\ntools: Read, Write, Edit\nmodel: haiku\n---\n\nYou paint what you are told to.\n"


def git(folder: Path, *args: str) -> str:
    who = ("-c", "user.name=P", "-c", "user.email=p@x")
    command = ["git", "-C", str(folder), *who, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with templates of its own, one of them broken, which nothing changes."""
    folder = tmp_path_factory.mktemp("repository") / "tally"
    templates = folder / ".claude" / "agents"
    templates.mkdir(parents=True)
    (folder / "wall.txt").write_text("white\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n[tool.pytest.ini_options]\n')
    (templates / "painter.md").write_text(TEMPLATE)
    (templates / "broken.md").write_text("You have no head.\n")
    git(folder, "init", "--quiet", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Begin")
    (templates / "draft.md").write_text("---\nname: draft\n---\nNever committed.\n")
    return folder


@dataclass(slots=True, kw_only=True)
class Office:
    """One orchestrator's agents, whoever has them work, and the script of their model."""

    database: Database
    agency: Agency
    agents: FreeAgents
    holder: Holder[Any]
    intake: Intake
    model: Any
    orchestrator: Orchestrator
    root: Path

    def follow(self, *rules: dict[str, Any]) -> None:
        scenario = json.dumps({"name": "office", "rules": list(rules)})
        self.model.scenario = parse_scenario(scenario, origin="office.json")

    async def create(self, name: str = "helper", *, repository: Path | None = None, **more: Any) -> FreeAgent:
        ground = None
        if repository is not None:
            project, base = await self.intake.open_project(str(repository))
            ground = Ground(project=project, sha=base.sha)
        values: dict[str, Any] = {"orchestrator_id": self.orchestrator.id, "actor": "Ada", "ground": ground}
        if "template" not in more:
            values["system_prompt"] = "You help."
        return await self.agency.create(AgentOrder(name=name, **values | more))

    async def tell(self, words: str, name: str = "helper", *, key: str | None = None) -> AgentCommand:
        return (await self.agency.command(self.orchestrator.id, name, body=words, actor="Ada", key=key))[1]

    async def ask(self, words: str, name: str = "helper") -> str:
        """Commands it and has it done; the answer, or why there is none."""
        given = await self.tell(words, name)
        assert await self.holder.hold_one()
        return (await self.command(given.id)).answer or ""

    async def agent(self, name: str = "helper") -> FreeAgent:
        async with self.database.read() as connection:
            return await free_agents.find_agent(connection, self.orchestrator.id, name)

    async def command(self, command_id: int) -> AgentCommand:
        async with self.database.read() as connection:
            for agent in await free_agents.list_agents(connection) + await free_agents.list_agents(
                connection, deleted=True
            ):
                for each in await free_agents.latest_commands(connection, agent.id, limit=100):
                    if each.id == command_id:
                        return each
        raise AssertionError(command_id)

    async def log(self, name: str = "helper") -> list[AgentLogEntry]:
        agent = await self.agent(name)
        async with self.database.read() as connection:
            return await read_log(connection, agent.id, limit=500)

    async def inbox(self) -> list[chat.InboxItem]:
        async with self.database.read() as connection:
            return await chat.open_items(connection, self.orchestrator.id)

    @property
    def requests(self) -> int:
        return len(self.model.journal.entries)


@pytest.fixture
def runtime_name() -> str:
    """`plain` works in this process; `claude` is the CLI in its sandbox, as on a person's machine."""
    return "plain"


@pytest.fixture
async def office(database: Database, tmp_path: Path, runtime_name: str) -> AsyncIterator[Office]:
    workspaces = GitWorkspaces(tmp_path)
    access = LocalProjects(database=database, paths=DataPaths(tmp_path))
    (tmp_path / "life").mkdir()
    async with (
        serve_scripted_model(Scenario()) as server,
        await Lifeline.open(tmp_path / "life") as lifeline,
        Gateway(
            book=UsageBook(database.engine),
            upstream=Upstream(
                base_url=server.url, credential=Credential.first_of(api_key="k", auth_token=None, oauth_token=None)
            ),
            prices=LIST_PRICES,
            socket_dir=tmp_path / "life",
        ) as gateway,
    ):
        contained = runtime_name == "claude"
        machine = ThisMachine(environment=dict(os.environ), data_dir=tmp_path, tools=tmp_path / "tools")
        sandbox = await find_sandbox(machine) if contained else None
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "life", sandbox=sandbox)
        rows = PostgresTranscripts(database.engine)
        runtime: AgentRuntime = PlainRuntime(launcher=launcher, rows=rows, runtime_dir=tmp_path / "runs")
        if contained:
            store = ClaudeSessionStore(rows)
            runtime = ClaudeRuntime(launcher=launcher, session_store=store, runtime_dir=tmp_path / "runs")
        agents = FreeAgents(
            database=database,
            runtime=runtime,
            gateway=gateway,
            places=Places(
                database=database,
                workspaces=workspaces,
                access=access,
                containment=HostContainment(operator="auto" if contained else "off", env=inner_variables(Path.home())),
                folder=tmp_path / "agents",
                host=HOST,
            ),
            models={"haiku": "claude-haiku-5-5"},
            model=MODEL,
        )
        async with database.begin() as connection:
            orchestrator = await get_or_create_orchestrator(connection, "/srv/a")
        yield Office(
            database=database,
            agency=Agency(database=database, access=access),
            agents=agents,
            holder=Holder(AgentSource(database=database, agents=agents, worker_id="w1")),
            intake=Intake(database=database, workspaces=workspaces, access=access),
            model=server.model,
            orchestrator=orchestrator,
            root=tmp_path,
        )


def calls(tool: str, **given: Any) -> dict[str, Any]:
    return {"blocks": [{"tool": {"name": tool, "input": given}}]}


def says(text: str, **reply: Any) -> dict[str, Any]:
    return {"blocks": [{"text": text}], **reply}


def rule(name: str, *steps: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"name": name, "when": {"role": "agent", **when}, "steps": list(steps)}


async def take(office: Office, *, owner: str = "first") -> AgentWork:
    async with office.database.begin() as connection:
        work = await take_work(connection, owner=owner, host=HOST)
    assert work is not None
    return work


async def expire_lease(office: Office) -> None:
    """As if its worker had been dead for long enough."""
    async with office.database.begin() as connection:
        await connection.execute(text("UPDATE free_agents SET owned_until = now() - interval '1 second'"))


async def change(office: Office, what: str) -> None:
    async with office.database.begin() as connection:
        await connection.execute(text(what))
