"""One stage for each test, or one that tests share which change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api.stage import Stage, make_repository, open_stage
from tests.conftest import DatabaseServer


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("template") / "repository")


@pytest.fixture
async def stage(database_url: str, tmp_path: Path, template: Path) -> AsyncIterator[Stage]:
    stage = open_stage(url=database_url, root=tmp_path, template=template)
    yield stage
    await stage.close()


@pytest.fixture(scope="session")
def shared_place(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return database_server.url_of(database_server.copy()), tmp_path_factory.mktemp("shared")


@pytest.fixture
async def shared(shared_place: tuple[str, Path], template: Path) -> AsyncIterator[Stage]:
    """A stage others have used and will use, for what changes nothing."""
    url, root = shared_place
    stage = open_stage(url=url, root=root, template=template)
    yield stage
    await stage.close()
