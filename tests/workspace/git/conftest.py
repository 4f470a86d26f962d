"""Real repositories in memory where the system offers it: file systems on disk are ten times slower here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from adw.kit.git import create_remote, sync_remote_base
from adw.ports.workspace import RepositoryRef, WorkspaceSpec
from adw.workspace.git import GitWorkspace, GitWorkspaces

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{role}_{part}": "Person" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")},
}


@dataclass(frozen=True)
class Repository:
    """A repository of a person, used the way a person uses git."""

    path: Path

    def git(self, *args: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *args], cwd=at or self.path, env=_ENVIRONMENT, check=True, capture_output=True, text=True
        )
        return done.stdout.rstrip("\n")

    def commit(self, files: dict[str, str], message: str = "Change files") -> str:
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True)
class World:
    """A person's repository, our remote of it and our workspaces."""

    root: Path
    person: Repository
    ref: RepositoryRef
    workspaces: GitWorkspaces
    base: str

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def mirror(self) -> Path:
        return self.data_dir / "repos" / "shop" / "mirror.git"

    @property
    def remote(self) -> Repository:
        return Repository(Path(self.ref.remote))

    def spec(self, adw_id: str = "0a1b2c3d", **changes: object) -> WorkspaceSpec:
        values = {"adw_id": adw_id, "repository": self.ref, "branch": f"work-{adw_id}", "base_sha": self.base}
        return WorkspaceSpec(**{**values, **changes})

    def elsewhere(self, name: str = "other-host") -> GitWorkspaces:
        return GitWorkspaces(self.root / name)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="adw-test-", dir=memory))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_repository(root: Path) -> Callable[..., Repository]:
    def make(name: str = "person", *, branch: str = "main", files: dict[str, str] | None = None) -> Repository:
        repository = Repository(root / name)
        repository.path.mkdir()
        repository.git("init", "-q", "-b", branch)
        if files is not None:
            repository.commit(files, "First")
        return repository

    return make


@pytest.fixture
async def world(root: Path, make_repository: Callable[..., Repository]) -> World:
    person = make_repository(files={"a.txt": "one\n", "docs/b.txt": "two\n", ".gitignore": "*.log\n.venv/\n"})
    remote = root / "data" / "repos" / "shop" / "remote.git"
    await create_remote(remote)
    base = person.git("rev-parse", "HEAD")
    await sync_remote_base(remote, source=person.path, base="main", sha=base)
    ref = RepositoryRef(project_id="shop", source=person.path, remote=remote)
    return World(root=root, person=person, ref=ref, workspaces=GitWorkspaces(root / "data"), base=base)


@pytest.fixture
async def workspace(world: World) -> GitWorkspace:
    return await world.workspaces.prepare(world.spec())
