from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adw.intake.service import Accepted, Intake, WorkRequest
from adw.kit.git import Identity
from adw.kit.paths import DataPaths
from adw.store.db import Database
from adw.wiring.projects import LocalProjects
from adw.workspace.git import GitWorkspaces

MADE = ("projects", "issues", "adw_workflows", "adw_workflow_events", "workflow_budgets")


@dataclass(frozen=True, slots=True)
class Repository:
    """A person's repository."""

    path: Path

    def git(self, *args: str) -> str:
        own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        command = ["git", "-C", str(self.path), *args]
        environment = own | Identity(name="P", email="p@example.com").environment()
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    def commit(self, **files: str) -> str:
        for name, content in files.items():
            (self.path / name.replace("__", ".")).write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "Change")
        return self.head()

    def head(self, branch: str = "HEAD") -> str:
        return self.git("rev-parse", branch)


@dataclass(frozen=True, slots=True)
class Door:
    """Intake over real git and the local forge, and what was made by going through it."""

    intake: Intake
    database: Database
    data_dir: Path

    async def accept(self, repository: Repository | str, prompt: str | None = None, **changes: Any) -> Accepted:
        """Hands in "Fix the totals" unless told otherwise."""
        project = repository if isinstance(repository, str) else str(repository.path)
        values: dict[str, Any] = {
            "project": project,
            "kind": "plan-build-test",
            "actor": "ann",
            "source": "cli",
            "prompt": prompt if prompt is not None or "issue_number" in changes else "Fix the totals",
        }
        return await self.intake.accept(WorkRequest(**(values | changes)))

    async def made(self) -> dict[str, int]:
        """How many rows each table has, and how many remotes there are."""
        async with self.database.read() as connection:
            rows = {
                name: (await connection.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one() for name in MADE
            }
        return rows | {"remotes": len(list((self.data_dir / "forge").glob("*.git")))}


@pytest.fixture(scope="session")
def first_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = Repository(tmp_path_factory.mktemp("first") / "tally")
    repository.path.mkdir()
    repository.git("init", "-q", "-b", "main", "--template=")
    repository.commit(README__md="# Tally\n")
    return repository.path


@pytest.fixture
def make_repository(first_repository: Path, tmp_path: Path) -> Callable[..., Repository]:
    """A repository with one commit, in a folder of its own."""

    def make(where: str = "home/tally") -> Repository:
        shutil.copytree(first_repository, tmp_path / where)
        return Repository(tmp_path / where)

    return make


@pytest.fixture
def repository(make_repository: Callable[..., Repository]) -> Repository:
    return make_repository()


@pytest.fixture
def door(database: Database, tmp_path: Path) -> Door:
    data_dir = tmp_path / "data"
    access = LocalProjects(database=database, paths=DataPaths(data_dir))
    intake = Intake(database=database, workspaces=GitWorkspaces(data_dir), access=access)
    return Door(intake, database, data_dir)
