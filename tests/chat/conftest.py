"""A conversation in one process: real rows, the real gateway, the plain runtime, a scripted model, real doors."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from adw.agents.plain.runtime import PlainRuntime
from adw.agents.scripted_model import Scenario, parse_scenario, serve_scripted_model
from adw.chat.conversation import Conversations
from adw.chat.tools import Doors
from adw.control.service import Control
from adw.control.steering import Steering
from adw.domain.prices import LIST_PRICES
from adw.gateway import Credential, Gateway, Upstream
from adw.intake.service import Intake
from adw.kit.paths import DataPaths
from adw.ports.launcher import Launcher
from adw.store import chat
from adw.store.db import Database
from adw.store.orchestrators import Orchestrator, get_or_create_orchestrator
from adw.store.sessions import PostgresTranscripts
from adw.store.usage import UsageBook
from adw.wiring.gateway_news import tell_of_warning
from adw.wiring.projects import LocalProjects
from adw.worker.chatter import Chatter
from adw.workspace.git import GitWorkspaces

MODEL = "claude-sonnet-5-5"


@dataclass(slots=True)
class QuietEnqueuer:
    """Stands for the engine's queue, in which nothing is ever done."""

    async def enqueue(self, _connection: Any, **_order: Any) -> None: ...

    async def revoke(self, _connection: Any, **_order: Any) -> None: ...


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with one commit, which nothing changes."""
    folder = tmp_path_factory.mktemp("repository") / "tally"
    folder.mkdir()
    (folder / "test_it.py").write_text("def test_it(): pass\n")
    (folder / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n[tool.pytest.ini_options]\n')
    who = ("-c", "user.name=P", "-c", "user.email=p@x")
    for args in (("init", "--quiet", "-b", "main"), ("add", "."), (*who, "commit", "--quiet", "-m", "Begin")):
        subprocess.run(["git", "-C", str(folder), *args], check=True)
    return folder


@pytest.fixture
def doors(database: Database, tmp_path: Path) -> Doors:
    workspaces = GitWorkspaces(tmp_path)
    access = LocalProjects(database=database, paths=DataPaths(tmp_path))
    enqueuer = QuietEnqueuer()
    return Doors(
        database=database,
        intake=Intake(database=database, workspaces=workspaces, access=access),
        control=Control(database=database, enqueuer=enqueuer),
        steering=Steering(
            database=database, enqueuer=enqueuer, access=access, workspaces=workspaces, work_dir=tmp_path / "work"
        ),
        access=access,
    )


@dataclass(slots=True, kw_only=True)
class Talk:
    """One orchestrator, whoever answers for it, and the script of its model."""

    database: Database
    conversations: Conversations
    chatter: Chatter
    model: Any
    orchestrator: Orchestrator

    @property
    def id(self) -> UUID:
        return self.orchestrator.id

    def follow(self, *rules: dict[str, Any]) -> None:
        scenario = json.dumps({"name": "talk", "rules": list(rules)})
        self.model.scenario = parse_scenario(scenario, origin="talk.json")

    async def say(self, words: str, *, key: str | None = None) -> int:
        async with self.database.begin() as connection:
            item = await chat.post_message(connection, self.id, author="Ada", body=words, key=key)
        return item.id

    async def ask(self, words: str) -> str:
        """Says it and answers it."""
        await self.say(words)
        assert await self.chatter.answer_one()
        return (await self.said("answer"))[-1]

    async def said(self, *kinds: str) -> list[str]:
        return [entry.message for entry in await self.entries(*kinds)]

    async def entries(self, *kinds: str) -> list[chat.ChatEntry]:
        async with self.database.read() as connection:
            found = await chat.chat_history(connection, self.id, limit=500)
        return [entry for entry in found if not kinds or entry.kind in kinds]

    @property
    def requests(self) -> int:
        return len(self.model.journal.entries)


@pytest.fixture
async def talk(database: Database, doors: Doors, tmp_path: Path) -> AsyncIterator[Talk]:
    async with serve_scripted_model(Scenario()) as server:
        credential = Credential.first_of(api_key="k", auth_token=None, oauth_token=None)
        gateway = Gateway(
            book=UsageBook(database.engine),
            upstream=Upstream(base_url=server.url, credential=credential),
            prices=LIST_PRICES,
            on_budget_warning=partial(tell_of_warning, database),
        )
        runtime = PlainRuntime(
            launcher=cast("Launcher", None),  # nothing is ever launched: its agents have none but our tools
            rows=PostgresTranscripts(database.engine),
            runtime_dir=tmp_path / "agents",
        )
        async with gateway:
            conversations = Conversations(
                database=database,
                runtime=runtime,
                gateway=gateway,
                doors=doors,
                folder=tmp_path / "chat",
                model=MODEL,
            )
            async with database.begin() as connection:
                orchestrator = await get_or_create_orchestrator(connection, "/srv/a")
            yield Talk(
                database=database,
                conversations=conversations,
                chatter=Chatter(database, conversations, worker_id="w1"),
                model=server.model,
                orchestrator=orchestrator,
            )


def calls(tool: str, **given: Any) -> dict[str, Any]:
    return {"blocks": [{"tool": {"name": tool, "input": given}}]}


def says(text: str, **reply: Any) -> dict[str, Any]:
    return {"blocks": [{"text": text}], **reply}


def rule(name: str, *steps: dict[str, Any], **when: Any) -> dict[str, Any]:
    return {"name": name, "when": {"role": "orchestrator", **when}, "steps": list(steps)}
