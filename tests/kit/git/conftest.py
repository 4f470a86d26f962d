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
def person(make_repository: Callable[..., Repository]) -> Repository:
    return make_repository(files={"a.txt": "one\n", ".gitignore": "*.log\n"})


@pytest.fixture
async def remote(root: Path, person: Repository) -> Repository:
    """Our own bare repository that follows the person's."""
    await create_remote(root / "remote.git")
    await sync_remote_base(root / "remote.git", source=person.path, base="main", sha=person.git("rev-parse", "HEAD"))
    return Repository(root / "remote.git")


@pytest.fixture
def on_remote(root: Path, remote: Repository) -> Callable[..., str]:
    """Makes a commit in our repository, on top of another one, as a workflow would."""

    def commit(files: dict[str, str], *, on: str = "main", branch: str | None = None, number: int = 0) -> str:
        clone = Repository(root / f"clone-{branch}-{number}-{len(list(root.iterdir()))}")
        remote.git("clone", "-q", str(remote.path), str(clone.path))
        clone.git("checkout", "-q", "--detach", on if len(on) == 40 else f"origin/{on}")
        sha = clone.commit(files, "By a workflow")
        clone.git("push", "-q", "origin", f"{sha}:refs/{'heads' if branch else 'keep'}/{branch or sha}")
        return sha

    return commit
