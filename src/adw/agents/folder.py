"""The private folder of one agent run: home, CLI configuration and temporary files, gone when the run ends.

A fresh home keeps a person's own settings, memory and credentials out of the agent's reach.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """Where one run of the CLI keeps its files."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"


@contextmanager
def run_folder(runtime_dir: Path, *, run_id: str) -> Generator[RunFolder]:
    """A new folder below `runtime_dir`, readable by us alone, deleted on leaving."""
    runtime_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = _NOT_IN_NAMES.sub("-", run_id)[:_NAME_LENGTH]
    root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=runtime_dir)).resolve()
    folder = RunFolder(root=root)
    try:
        for part in (folder.home, folder.config, folder.temporary):
            part.mkdir()
        yield folder
    finally:
        shutil.rmtree(root, ignore_errors=True)
