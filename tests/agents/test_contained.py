"""An agent in the sandbox: it talks to its model and works, and from its shell nothing else can be reached."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adw.domain.config import SandboxTable
from adw.kit.process import Door
from adw.ports.containment import Site
from adw.workspace.sandbox import HostContainment, ThisMachine, find_sandbox


@pytest.fixture(params=["claude", "plain"])
def runtime_name(request: pytest.FixtureRequest) -> str:
    return request.param


@asynccontextmanager
async def door_to(url: str, folder: Path) -> AsyncIterator[Door]:
    """A unix socket beside a server's port, as the gateway has one."""
    port = urlsplit(url).port
    assert port is not None

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, inner_writer), pass_on(inner_reader, writer), return_exceptions=True)
        writer.close()
        inner_writer.close()

    path = folder / "door.sock"
    async with await asyncio.start_unix_server(serve, str(path)):
        yield Door(port=port, socket=path)


def git_worktree(root: Path) -> tuple[Path, Path]:
    """A tree and its folder in a repository, registered as workspaces are."""
    repository, tree = root / "mirror.git", root / "trees" / "ours"
    env = {"PATH": os.environ["PATH"], "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for line in (
        ["init", "-q", "-b", "main", "seed"],
        [*who, "-C", "seed", "commit", "-q", "--allow-empty", "-m", "First"],
        ["clone", "-q", "--bare", "seed", "mirror.git"],
        ["-C", "mirror.git", "worktree", "add", "-q", str(tree), "main"],
    ):
        subprocess.run(["git", *line], cwd=root, env=env, check=True)
    return tree, repository / "worktrees" / "ours"


async def test_an_agent_s_shell_reaches_its_tree_and_nothing_of_ours(
    stage_for, script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime_name: str
):
    monkeypatch.setenv("DATABASE_URL", "postgresql://planted")
    data = tmp_path / "data"
    (data / "trees" / "other").mkdir(parents=True)
    for file in (data / "server.json", data / "trees" / "other" / "file"):
        file.write_text("planted")
    tree, git_folder = git_worktree(data)
    machine = ThisMachine(environment=dict(os.environ), data_dir=data, tools=data / "tools")
    site = Site(tree=tree, git_folder=git_folder, home=data / "home")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        attempts = [
            f"cat {data}/server.json {data}/trees/other/file; ls {Path.home()}/.ssh {Path.home()}/.bashrc",
            "env; cat /proc/*/environ | tr '\\0' '\\n'",
            f"(echo > /dev/tcp/127.0.0.1/{outside.getsockname()[1]}) && echo REACHED",
            f"echo x >> {data}/mirror.git/config && echo CHANGED",
            "cat /etc/shadow | grep root: && echo SHADOWED",
        ]
        line = "; ".join(f"bash -c {shlex.quote(each)}" for each in attempts)
        steps = [
            script.bash(f"{line}; true"),
            script.bash("echo made > made && git status --porcelain && git log --format=%s && git diff --stat"),
            script.text("Done."),
        ]
        sandbox = await find_sandbox(machine)
        async with stage_for({"steps": steps}, sandbox=sandbox) as stage, door_to(stage.server.url, tmp_path) as door:
            confinement = HostContainment(operator="bubblewrap").confine(SandboxTable(), site, ways_out=(door,))
            heard = await stage.run(tree, confinement=confinement)
    tried, worked = heard.texts("tool_result")
    assert heard.final.text == "Done.", heard.final.failure
    for word in ("planted", "REACHED", "CHANGED", "SHADOWED"):
        assert word not in tried, tried
    assert ("run-token-of-a-test" in tried) == (runtime_name == "claude"), "only the CLI asks the model itself"
    assert worked.split() == ["??", "made", "First"]
    assert (tree / "made").read_text() == "made\n"
