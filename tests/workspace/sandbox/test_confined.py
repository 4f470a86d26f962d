"""Programs in the real sandbox: what they find, what they cannot reach, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from adw.kit.errors import ConfigurationError, InfrastructureError
from adw.kit.process import Confinement, Door, Launch, Lifeline, SupervisedLauncher
from adw.workspace.sandbox import BrokenSandbox

WORKER = """
import asyncio, os, sys
from pathlib import Path
from adw.kit.process import Confinement, Launch, Lifeline, SupervisedLauncher
from adw.workspace.sandbox import ThisMachine, find_sandbox
async def main():
    folder, tree = Path(sys.argv[1]), Path(sys.argv[2])
    sandbox = await find_sandbox(ThisMachine(environment={}, data_dir=folder, tools=folder / "tools"))
    async with await Lifeline.open(folder) as lifeline:
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=folder, sandbox=sandbox)
        argv = ["/bin/sh", "-c", "setsid " + sys.argv[3]]
        confinement = Confinement(writable=(tree,))
        launch = Launch(argv=argv, cwd=tree, env={"PATH": "/usr/bin:/bin"}, confinement=confinement)
        await launcher.run(launch, timeout_s=600)
asyncio.run(main())
"""
PYTHON = os.path.realpath(sys.executable)
ASKS = (
    "import socket;s=socket.create_connection(('127.0.0.1',{port}));s.sendall(b'hello\\n');print(s.recv(9),s.recv(9))"
)


async def test_the_tree_can_be_written_and_toolchains_run(confined, tree: Path):
    ended = await confined(f"echo done > made && {shlex.quote(PYTHON)} -c 'print(1)' && cat made && ls /tmp && pwd")
    assert (ended.exit_code, ended.output.split()[:2]) == (0, ["1", "done"])
    assert (tree / "made").read_text() == "done\n"


async def test_it_gets_its_own_environment_and_no_list_of_processes_shows_it(confined):
    ended = await confined("env; tr '\\0' ' ' < /proc/1/environ; tr '\\0' ' ' < /proc/1/cmdline", env={"TOKEN": "t-1"})
    assert ended.output.count("t-1") == 1


async def test_variables_of_the_program_do_nothing_outside(confined, tree: Path):
    """A library to be loaded first would be loaded into the sandbox's own program, before anything is shut."""
    ended = await confined("echo inside", env={"LD_PRELOAD": str(tree / "evil.so"), "LD_AUDIT": str(tree / "evil.so")})
    complaints = [line for line in ended.output.splitlines() if "evil.so" in line]
    assert ended.output.endswith("inside\n")
    assert not any("bwrap" in line for line in complaints)


async def test_the_exit_code_is_the_program_s(confined):
    assert [(await confined(line)).exit_code for line in ("exit 3", "kill -KILL $$")] == [3, 137]


async def test_temporary_files_are_gone_afterwards(confined, tmp_path: Path):
    seen = (await confined("echo x > /tmp/x; echo y > /var/tmp/y; ls /tmp")).output.split()
    assert {"x", "y"} <= set(seen)
    assert not list((tmp_path / "run").glob("*-tmp"))


async def test_what_it_left_running_dies_with_it(confined, tree: Path):
    started = time.monotonic()
    ended = await confined("setsid sleep 4321.5 & echo started")
    assert ended.output == "started\n"
    assert time.monotonic() - started < 20
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4321.5" in (p.info["cmdline"] or [])]


async def test_it_is_killed_with_the_worker_s_lifeline(launcher: SupervisedLauncher, tree: Path, eventually):
    confinement = Confinement(writable=(tree,))
    launch = Launch(argv=("/bin/sh", "-c", "touch up; sleep 4322.5"), cwd=tree, env={}, confinement=confinement)
    running = asyncio.create_task(launcher.run(launch, timeout_s=60))
    await eventually((tree / "up").exists)
    running.cancel()
    await asyncio.wait({running})
    assert not [p for p in psutil.process_iter(["cmdline"]) if "4322.5" in (p.info["cmdline"] or [])]


@pytest.mark.parametrize("victim", ["worker", "front", "sandbox"])
async def test_whatever_of_it_is_killed_nothing_of_it_is_left(tree: Path, tmp_path: Path, eventually, victim: str):
    mark = f"43{23 + len(victim)}.{os.getpid()}"
    argv = [sys.executable, "-c", WORKER, str(tmp_path / "w"), str(tree), f"sleep {mark}"]
    worker = subprocess.Popen(argv)  # noqa: ASYNC220 - it must not belong to this loop

    def sleeping() -> list[psutil.Process]:
        return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", mark]]

    try:
        found = await eventually(sleeping)
        above = found[0].parents()
        names = [(each.cmdline() or [""])[0] for each in above]
        sandbox = above[next(i for i, name in enumerate(names) if name.endswith("bwrap"))]
        front = worker.pid if victim == "worker" else psutil.Process(worker.pid).children()[0].pid
        os.kill(sandbox.pid if victim == "sandbox" else front, signal.SIGKILL)
        await eventually(lambda: not sleeping())
    finally:
        worker.kill()
        worker.wait()


async def test_a_door_leads_out_to_one_socket_and_passes_the_end_of_speech_on(confined, tmp_path: Path):
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(b"welcome")
        writer.close()

    server = await asyncio.start_unix_server(answer, str(tmp_path / "g.sock"))
    async with server:
        line = f"{shlex.quote(PYTHON)} -c {shlex.quote(ASKS.format(port=9321))}"
        ended = await confined(line, ways_out=(Door(port=9321, socket=tmp_path / "g.sock"),))
        assert ended.output == "b'welcome' b''\n"
        assert heard == [b"hello\n"]
        assert "refused" in (await confined(line)).output


async def test_large_answers_pass_whole_and_what_breaks_off_is_seen_to(confined, tmp_path: Path):
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 5_000_000)
        await writer.drain()
        writer.close()

    count = (
        "import socket;s=socket.create_connection(('127.0.0.1',9322));n=0\nwhile d:=s.recv(65536): n+=len(d)\nprint(n)"
    )
    async with await asyncio.start_unix_server(answer, str(tmp_path / "g.sock")):
        door = Door(port=9322, socket=tmp_path / "g.sock")
        ended = await confined(f"{shlex.quote(PYTHON)} -c {shlex.quote(count)}", ways_out=(door,))
    assert ended.output == "5000000\n"


async def test_a_missing_program_behind_a_door_gives_127(launcher: SupervisedLauncher, tree: Path, tmp_path: Path):
    async with await asyncio.start_unix_server(lambda _r, w: w.close(), str(tmp_path / "g.sock")):
        confinement = Confinement(writable=(tree,), ways_out=(Door(port=9323, socket=tmp_path / "g.sock"),))
        launch = Launch(argv=("no-such-program",), cwd=tree, env={"PATH": "/usr/bin"}, confinement=confinement)
        ended = await launcher.run(launch, timeout_s=30)
    assert (ended.exit_code, ended.output) == (127, "relay: program not found: no-such-program\n")


async def test_a_sandbox_that_cannot_be_set_up_is_no_verdict_on_the_program(confined, tmp_path: Path):
    with pytest.raises(InfrastructureError, match="could not be set up"):
        await confined("true", writable=(tmp_path / "missing",))


async def test_without_a_sandbox_that_works_nothing_confined_is_started(tmp_path: Path):
    launch = Launch(argv=("touch", "started"), cwd=tmp_path, env={"PATH": "/usr/bin"}, confinement=Confinement())
    async with await Lifeline.open(tmp_path / "life") as lifeline:
        for sandbox in (None, BrokenSandbox(reason="user namespaces are forbidden")):
            launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run", sandbox=sandbox)
            with pytest.raises(ConfigurationError) as refusal:
                await launcher.run(launch, timeout_s=30)
            assert "install bubblewrap" in str(refusal.value.hint)
            with pytest.raises(ConfigurationError):
                launcher.wrap(launch, folder=tmp_path / "wrap")
    assert not (tmp_path / "started").exists()
