"""Runs the attempts to break out inside the real sandbox, against bait laid out for them."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adw.domain.config import SandboxTable
from adw.kit.errors import InfrastructureError
from adw.kit.process.launch import Launch
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline
from adw.kit.process.sockets import socket_place
from adw.ports.containment import Site
from adw.workspace.sandbox import attempts
from adw.workspace.sandbox.containment import HostContainment
from adw.workspace.sandbox.find import BrokenSandbox, find_sandbox
from adw.workspace.sandbox.machine import ThisMachine
from adw.workspace.sandbox.toolchains import inner_variables

TIMEOUT_S = 60.0
_VICTIM = "victim.pid"
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Escapes:
    """What attempts there were, and which of them succeeded."""

    tried: tuple[str, ...]
    succeeded: tuple[str, ...]
    program: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bait:
    """A data directory with a secret, two worktrees, and the folder of the attempts' own run."""

    root: Path
    secret: str

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def tree(self) -> Path:
        return self.data / "trees" / "ours"

    @property
    def other_tree(self) -> Path:
        return self.data / "trees" / "other"

    @property
    def repository(self) -> Path:
        return self.data / "mirror.git"

    @property
    def git_folder(self) -> Path:
        return self.repository / "worktrees" / "ours"

    def lay_out(self) -> None:
        for folder in (self.tree, self.other_tree, self.git_folder, self.repository / "hooks"):
            folder.mkdir(parents=True)
        (self.repository / "objects").mkdir()
        files = [self.data / "secret", self.other_tree / "file", self.tree / ".git", self.repository / "config"]
        files += [self.repository / "HEAD", self.git_folder / "commondir", self.git_folder / "gitdir"]
        for file in files:
            file.write_text(f"{self.secret}\n")


async def try_to_escape(environment: Mapping[str, str], *, folder: Path) -> Escapes:
    """Makes all attempts once, as a project's command with the network closed. The bait is laid out in `folder`.

    Raises `ConfigurationError` where there is no sandbox, `InfrastructureError` when the attempts could not be made.
    """
    with tempfile.TemporaryDirectory(prefix="escapes-", dir=folder, ignore_cleanup_errors=True) as name:
        root = Path(name)
        bait = _Bait(root=root, secret=secrets.token_hex(16))
        bait.lay_out()
        machine = ThisMachine(environment=environment, data_dir=bait.data, tools=bait.data / "tools")
        sandbox = await find_sandbox(machine)
        if isinstance(sandbox, BrokenSandbox):
            raise sandbox.refusal()
        async with await Lifeline.open(root / "run") as lifeline:
            launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=root / "run", sandbox=sandbox)
            shown = machine().readable
            known = {
                "programs": [str(path) for path in shown if path.is_dir()],
                "home_files": _private_files(Path.home(), shown=(*shown, root)),
            }
            async with _victims(launcher, bait) as facts:
                succeeded = await _attempt(launcher, bait, facts | known)
                succeeded += _traces(bait, facts)
    return Escapes(tried=tuple(attempts.ATTEMPTS), succeeded=tuple(succeeded), program=sandbox.program)


async def _attempt(launcher: SupervisedLauncher, bait: _Bait, facts: Mapping[str, Any]) -> list[str]:
    (bait.tree / "facts.json").write_text(json.dumps(facts))
    script = bait.tree / "attempts.py"
    shutil.copy(attempts.__file__, script)
    site = Site(tree=bait.tree, home=bait.data / "home", git_folder=bait.git_folder)
    containment = HostContainment(operator="bubblewrap", env=inner_variables(Path.home()))
    launch = Launch(
        argv=(os.path.realpath(sys.executable), "-I", "-S", str(script), str(bait.tree / "facts.json")),
        cwd=bait.tree,
        env={"PATH": os.defpath},
        confinement=containment.confine(SandboxTable(), site),
    )
    ended = await launcher.run(launch, timeout_s=TIMEOUT_S)
    try:
        return list(json.loads(ended.output))
    except ValueError as error:
        raise InfrastructureError(f"the attempts could not be made: {ended.output[-500:]}") from error


@asynccontextmanager
async def _victims(launcher: SupervisedLauncher, bait: _Bait) -> AsyncGenerator[dict[str, Any]]:
    """Things outside that are alive while the attempts are made: a process, a port, sockets."""
    abstract = f"adw-{bait.secret}"
    path, own_folder = socket_place(bait.root, "victim.sock")
    script = f"echo $$ > {_VICTIM}.new; mv {_VICTIM}.new {_VICTIM}; while :; do sleep 5; done"
    waits = Launch(
        argv=("/bin/sh", "-c", script, bait.secret),
        cwd=bait.root,
        env={"PATH": os.defpath, "SECRET": bait.secret},
    )
    with (
        _listening(socket.AF_INET, ("127.0.0.1", 0)) as port,
        _listening(socket.AF_UNIX, f"\0{abstract}"),
        _listening(socket.AF_UNIX, str(path)),
    ):
        victim = asyncio.create_task(launcher.run(waits, timeout_s=TIMEOUT_S * 2))
        try:
            pid = await _pid(bait)
            yield _facts(bait) | {
                "port": port.getsockname()[1],
                "abstract": abstract,
                "socket": str(path),
                "victim": pid,
            }
        finally:
            victim.cancel()
            await asyncio.wait({victim})
            if own_folder is not None:
                shutil.rmtree(own_folder, ignore_errors=True)


async def _pid(bait: _Bait) -> int:
    """The victim's number, as soon as it says so."""
    file = bait.root / _VICTIM
    async with asyncio.timeout(TIMEOUT_S):
        while not file.exists():  # noqa: ASYNC110 - there is no event for a file
            await asyncio.sleep(_LOOK_S)
    return int(file.read_text())


def _facts(bait: _Bait) -> dict[str, Any]:
    return {
        "secret": bait.secret,
        "data_file": str(bait.data / "secret"),
        "other_tree": str(bait.other_tree),
        "tree": str(bait.tree),
        "repository": str(bait.repository),
        "git_folder": str(bait.git_folder),
        "disk": Path("/").stat().st_dev,
    }


def _private_files(home: Path, *, shown: Sequence[Path]) -> list[str]:
    """What a home holds besides that which is shown and the folders it lies in."""
    try:
        entries = sorted(home.iterdir())
    except OSError:
        return []
    return [str(entry) for entry in entries if not any(path.is_relative_to(entry) for path in shown)]


def _traces(bait: _Bait, facts: Mapping[str, Any]) -> list[str]:
    """What can be seen of a success from outside only."""
    planted = [path for path in bait.data.rglob("planted") if not path.is_relative_to(bait.tree)]
    found = [f"write {path.relative_to(bait.root)}" for path in planted]
    if not Path(f"/proc/{facts['victim']}").exists():
        found.append("end a process outside")
    return found


@contextmanager
def _listening(family: int, address: Any) -> Generator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        yield listener
