"""What all suites may use: one PostgreSQL per test process with a migrated template, a fresh database for each test."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import settings
from sqlalchemy import make_url

from adw.domain.project import ForgeKind
from adw.domain.workflow import NewWorkflow, Workflow
from adw.kit.ids import new_adw_id
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import Database, driver_url
from adw.store.migrations import migrate
from adw.store.projects import ensure_project
from adw.store.workflows import create_workflow

FAST = Path("/dev/shm")
TEMPLATE = "adw_template"
DEADLINE_S = 20.0
PROJECT = "tally-0a1b2c3d"

Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]
MakeWorkflow = Callable[..., Awaitable[Workflow]]

settings.register_profile("fixed", derandomize=True, deadline=None, database=None, max_examples=30)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("ADW_HYPOTHESIS_PROFILE", "fixed"))
"""The same examples at every run; `ADW_HYPOTHESIS_PROFILE=search` looks for new ones."""

_PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])
"""The usual picture of an error, with the variables of each frame, takes seconds to draw."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


class DatabaseServer:
    """Databases are made by copying a template, which takes a few milliseconds where migrating takes a second."""

    def __init__(self, url: str) -> None:
        self._url = make_url(driver_url(url))
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(self.url_of(TEMPLATE))

    def url_of(self, name: str) -> str:
        return self._url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    def copy(self) -> str:
        name = f"t{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # pyright: ignore[reportArgumentType] # names are our own


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    folder = Path(tempfile.mkdtemp(prefix="adw-test-", dir=FAST if FAST.is_dir() else None))
    folder.chmod(0o711)  # as root the server runs as another user, who must get through
    try:
        with EmbeddedPostgres(data_dir=folder / "d") as postgres:
            server = DatabaseServer(postgres.start())
            server.execute("ALTER SYSTEM SET fsync = off")
            server.execute("ALTER SYSTEM SET synchronous_commit = off")
            server.execute("SELECT pg_reload_conf()")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(database_server: DatabaseServer) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = database_server.copy()
    yield database_server.url_of(name)
    database_server.drop(name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=10)
    yield database
    await database.close()


@pytest.fixture
def make_workflow(database: Database) -> MakeWorkflow:
    """Writes a queued workflow of the project `tally`, with issue 1 unless told otherwise."""

    async def make(**changes: Any) -> Workflow:
        values: dict[str, Any] = {
            "adw_id": new_adw_id(),
            "project_id": PROJECT,
            "workflow_type": "plan-build-test",
            "phases": ("plan", "build", "test", "finish"),
            "issue_number": 1,
            "issue_title": "Totals are wrong",
            "issue_body": "The total of an empty statement is 1.",
            "base_branch": "main",
            "base_sha": "b" * 40,
        }
        async with database.begin() as connection:
            await ensure_project(
                connection,
                project_id=values["project_id"],
                name="tally",
                forge=ForgeKind.LOCAL,
                source="/srv/tally",
                base_branch="main",
            )
            return await create_workflow(connection, NewWorkflow(**values | changes))

    return make


@pytest.fixture
def eventually() -> Eventually:
    """Waits, but not forever, until a plain or awaitable condition gives something true, and gives that."""

    async def wait(condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            result = condition()
            if inspect.isawaitable(result):
                result = await result
            if result:
                return result
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.01)

    return wait
