from __future__ import annotations

import inspect
import io
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adw.domain.forge import OURSELVES
from adw.forge.local.forge import LocalForge
from adw.forge.local.git_repository import GitLocalRepository
from adw.forge.local.repository import LocalRepository
from adw.ports.forge import Forge

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin:/usr/local/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "P"), ("EMAIL", "p@x"))
    },
}


def git(folder: Path, *args: str, stdin: bytes | None = None) -> bytes:
    command = ["git", "-C", str(folder), *args]
    return subprocess.run(command, input=stdin, check=True, capture_output=True, env=ENVIRONMENT).stdout


@dataclass(frozen=True, slots=True)
class Person:
    """The forge, with everything that has an author written by this one."""

    forge: Forge
    name: str

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.forge, name)
        return partial(method, author=self.name) if "author" in inspect.signature(method).parameters else method


@dataclass(slots=True)
class LocalStage:
    """Implements `tests.forge.stage.ForgeStage` on a bare repository, with a person's clone where one is wanted."""

    forge: Forge
    engine: AsyncEngine
    project_id: str
    bare: Path
    base: str = "main"
    ourselves: str = OURSELVES

    def person(self, name: str) -> Forge:
        return cast("Forge", Person(forge=self.forge, name=name))

    async def commit(self, branch: str, files: Mapping[str, str]) -> str:
        start = branch if self.exists(branch) else self.base
        git(self.bare, "fast-import", "--quiet", stdin=_commit_stream(branch, start, files))
        return self.sha_of(branch)

    async def delete_branch(self, branch: str) -> None:
        git(self.bare, "branch", "--delete", "--force", branch)

    async def fast_forward(self, branch: str, *, to: str) -> None:
        git(self.bare, "update-ref", f"refs/heads/{branch}", to)

    async def files_on(self, branch: str) -> dict[str, str]:
        with tarfile.open(fileobj=io.BytesIO(git(self.bare, "archive", branch))) as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
            return {name: file.read().decode() for name, file in files.items() if file is not None}

    async def commits_on(self, branch: str) -> list[str]:
        return git(self.bare, "log", "--format=%s", branch).decode().splitlines()

    def exists(self, branch: str) -> bool:
        return bool(git(self.bare, "for-each-ref", f"refs/heads/{branch}"))

    def sha_of(self, branch: str) -> str:
        return git(self.bare, "rev-parse", branch).decode().strip()

    def forge_with(self, repository: LocalRepository) -> LocalForge:
        """The same project, seen by another process with another repository object."""
        return LocalForge(self.engine.begin, project_id=self.project_id, repository=repository)


@pytest.fixture(scope="session")
def new_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with one commit, to be copied: cheaper than making it again for every test."""
    bare = tmp_path_factory.mktemp("new") / "bare.git"
    git(bare.parent, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(bare))
    git(bare, "fast-import", "--quiet", stdin=_commit_stream("main", None, {"README.md": "hello\n"}))
    return bare


@pytest.fixture
def stage(engine: AsyncEngine, tmp_path: Path, new_repository: Path) -> LocalStage:
    bare = tmp_path / "bare.git"
    shutil.copytree(new_repository, bare)
    project_id = uuid4().hex
    forge = LocalForge(engine.begin, project_id=project_id, repository=GitLocalRepository(bare=bare))
    return LocalStage(forge=forge, engine=engine, project_id=project_id, bare=bare)


def _commit_stream(branch: str, start: str | None, files: Mapping[str, str]) -> bytes:
    lines = [f"commit refs/heads/{branch}", "committer P <p@x> 1700000000 +0000", *_data(f"Change {', '.join(files)}")]
    if start is not None:
        lines.append(f"from refs/heads/{start}^0")
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", *_data(text)]
    return ("\n".join(lines) + "\n").encode()


def _data(text: str) -> list[str]:
    return [f"data {len(text.encode())}", text]
