from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.conftest import DatabaseServer
from tests.forge.github.stage import OURS, OWNER, GitHubStage, connect

from adw.forge.github_stand_in import StandIn
from adw.store.db import Database

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One for all tests of a process: each has a repository of its own."""
    stand_in = StandIn(folder=tmp_path_factory.mktemp("stand-in"), rate_limit=1_000_000)
    with stand_in.serve():
        yield stand_in


@pytest.fixture(scope="session")
def shared_url(database_server: DatabaseServer) -> Iterator[str]:
    """One database for all tests of a process: what is kept of GitHub is kept by credential and address."""
    name = database_server.copy()
    yield database_server.url_of(name)
    database_server.drop(name)


@pytest.fixture
async def shared_database(shared_url: str) -> AsyncIterator[Database]:
    database = Database(shared_url, pool_size=10)
    yield database
    await database.close()


@pytest.fixture
async def stage(stand_in: StandIn, shared_database: Database) -> AsyncIterator[GitHubStage]:
    full_name = f"{OWNER}/r{next(_NUMBERS)}"
    stand_in.add_repository(full_name)
    token = stand_in.add_user(OURS)
    stand_in.grant(full_name, OURS, "write")
    stand_in.faults.clear()
    async with connect(stand_in, shared_database, token=token) as github:
        stage = GitHubStage(
            stand_in=stand_in,
            database=shared_database,
            full_name=full_name,
            github=github,
            forge=github.forge(full_name),
            token=token,
        )
        yield stage
        for other in stage.opened:
            await other.aclose()
    stand_in.faults.clear()
