"""One PostgreSQL for the session, one database for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import create_engine
from tests.api.stage import Stage, make_repository, open_stage

import adw.store.tables.local_forge
import adw.store.tables.orchestrator
import adw.store.tables.sessions
import adw.store.tables.usage
import adw.store.tables.work
import adw.store.tables.workers
import adw.store.tables.workflows  # noqa: F401 # all tables are to be made
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import driver_url
from adw.store.metadata import metadata

FAST = Path("/dev/shm")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The URL of a database with our tables that is never used itself, only copied."""
    folder = Path(tempfile.mkdtemp(prefix="adw-api-", dir=FAST if FAST.is_dir() else None))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(data_dir=folder / "d") as postgres:
            url = postgres.start()
            engine = create_engine(driver_url(url))
            metadata.create_all(engine)
            engine.dispose()
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(server_url: str) -> str:
    return copy_of(server_url)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("template") / "repository")


@pytest.fixture
async def stage(database_url: str, tmp_path: Path, template: Path) -> AsyncIterator[Stage]:
    stage = open_stage(url=database_url, root=tmp_path, template=template)
    yield stage
    await stage.close()


@pytest.fixture(scope="session")
def shared_place(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return copy_of(server_url), tmp_path_factory.mktemp("shared")


@pytest.fixture
async def shared(shared_place: tuple[str, Path], template: Path) -> AsyncIterator[Stage]:
    """A stage others have used and will use, for what changes nothing."""
    url, root = shared_place
    stage = open_stage(url=url, root=root, template=template)
    yield stage
    await stage.close()


def copy_of(url: str) -> str:
    """A new database like the one at `url`, on the same server."""
    name = f"t{uuid4().hex[:12]}"
    before, _, after = url.rpartition("/adw?")
    with psycopg.connect(f"{before}/postgres?{after}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE adw")
    return f"{before}/{name}?{after}"
