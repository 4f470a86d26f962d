from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.measuring import unmeasured

from adw.kit.postgres import discard
from adw.kit.variables import OUR_NAMES, OUR_PREFIXES, VARIABLES

DEADLINE_S = 60.0

Adw = Callable[..., subprocess.CompletedProcess[str]]


def clean_environ() -> dict[str, str]:
    """Ours without any setting of this program; a terminal's colours are off."""
    ours = OUR_NAMES | {variable.name for variable in VARIABLES} | {"ADW_DEBUG", "_ADW_COMPLETE"}
    kept = unmeasured(os.environ)
    return {name: value for name, value in kept.items() if name not in ours and not name.startswith(OUR_PREFIXES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """`adw` as a program, with a data directory and settings of its own."""

    data_dir: Path
    cwd: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {**clean_environ(), "ADW_DATA_DIR": str(self.data_dir), "LOG_LEVEL": "error", **self.variables}

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "adw.cli.main", *words]

    def __call__(
        self, *words: str, cwd: Path | None = None, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words),
            env={**self.env, **variables},
            cwd=cwd or self.cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*words),
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose database, for root, lives elsewhere until the test is over."""
    yield tmp_path / "data"
    discard(tmp_path / "data")


@pytest.fixture
def adw(tmp_path: Path, data_dir: Path) -> CommandLine:
    folder = tmp_path / "here"
    folder.mkdir()
    return CommandLine(data_dir=data_dir, cwd=folder)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Callable[[Sequence[str]], int]:
    """Runs a command in this process, with a data directory of its own, and returns its exit code."""
    from adw.cli.main import run

    for name in set(os.environ) - set(clean_environ()):
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADW_DATA_DIR", str(data_dir))

    def call(words: Sequence[str]) -> int:
        try:
            return int(run(words))
        except SystemExit as ended:
            return int(ended.code or 0)

    return call


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository on branch main, with one commit by Ada."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Ada")
    (folder / "README.md").write_text("hello\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Say hello")
    return folder
