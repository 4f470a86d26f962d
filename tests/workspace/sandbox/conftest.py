from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adw.kit.process import Confinement, Exited, Launch, Lifeline, SupervisedLauncher
from adw.kit.process.bubblewrap import Bubblewrap
from adw.workspace.sandbox import ThisMachine, find_sandbox

PYTHON = os.path.realpath(sys.executable)
PATH = f"{Path(PYTHON).parent}:/usr/bin:/bin"

Run = Callable[..., object]


@pytest.fixture
async def sandbox(tmp_path: Path) -> Bubblewrap:
    found = await find_sandbox(
        ThisMachine(environment={"PATH": PATH}, data_dir=tmp_path / "data", tools=tmp_path / "data" / "tools")
    )
    assert isinstance(found, Bubblewrap), found
    return found


@pytest.fixture
async def launcher(tmp_path: Path, sandbox: Bubblewrap) -> AsyncIterator[SupervisedLauncher]:
    async with await Lifeline.open(tmp_path / "life") as lifeline:
        yield SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run", sandbox=sandbox)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "trees" / "ours"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def confined(launcher: SupervisedLauncher, tree: Path):
    """Runs a shell line in the tree, which it may write, under a confinement with whatever else is said."""

    async def run(line: str, *, env: dict[str, str] | None = None, **more: object) -> Exited:
        confinement = Confinement(**({"writable": (tree,)} | more))  # type: ignore[arg-type]
        argv = (shutil.which("sh") or "/bin/sh", "-c", line)
        launch = Launch(argv=argv, cwd=tree, env={"PATH": PATH, **(env or {})}, confinement=confinement)
        return await launcher.run(launch, timeout_s=30)

    return run
