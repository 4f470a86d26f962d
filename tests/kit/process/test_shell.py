from __future__ import annotations

import asyncio
import time

import pytest

from adw.kit.errors import InfrastructureError
from adw.kit.process import ProgramNotFoundError, ProgramTimeoutError, identify, is_alive, run_program, sweep_orphans


async def test_output_errors_and_code_are_returned_apart(tmp_path):
    done = await run_program(["sh", "-c", "echo out; echo err >&2; exit 4"], cwd=tmp_path)
    assert (done.code, done.stdout, done.err) == (4, b"out\n", "err\n")
    assert done.out == "out\n"


async def test_input_is_passed_and_without_it_there_is_none():
    assert (await run_program(["cat"], input=b"given")).stdout == b"given"
    assert (await run_program(["cat"])).stdout == b""


async def test_the_environment_is_replaced_when_given():
    assert (await run_program(["/usr/bin/env"], env={"A": "1"})).stdout == b"A=1\n"


async def test_a_missing_program_and_a_missing_folder_are_told_apart(tmp_path):
    with pytest.raises(ProgramNotFoundError) as caught:
        await run_program(["no-such-program"])
    assert "Install no-such-program" in caught.value.hint
    with pytest.raises(InfrastructureError, match="does not exist"):
        await run_program(["true"], cwd=tmp_path / "gone")
    with pytest.raises(InfrastructureError, match="Cannot start"):
        await run_program([str(tmp_path)])


async def grandchild(path, until):
    await until(lambda: path.exists() and path.read_text().endswith("\n"))
    return identify(int(path.read_text()))


async def test_a_time_out_kills_the_whole_group(tmp_path, until):
    begin = time.monotonic()
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    running = asyncio.ensure_future(run_program(["sh", "-c", script], timeout_s=0.5))
    child = await grandchild(tmp_path / "pid", until)
    with pytest.raises(ProgramTimeoutError, match=r"sh did not end within 0\.5 s"):
        await running
    assert time.monotonic() - begin < 10
    await until(lambda: not is_alive(child))


async def test_a_cancellation_kills_the_whole_group(tmp_path, until):
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    running = asyncio.ensure_future(run_program(["sh", "-c", script]))
    child = await grandchild(tmp_path / "pid", until)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_alive(child))


async def test_a_cancellation_during_the_start_leaves_nothing(tmp_path, until):
    pid = tmp_path / "pid"
    running = asyncio.ensure_future(run_program(["sh", "-c", f"sleep 1000 & echo $! > {pid}; wait"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # The loop stands still until the program runs: its start is not yet known here.
    deadline = time.monotonic() + 10
    while not (pid.exists() and pid.read_text().endswith("\n")):
        assert time.monotonic() < deadline
    child = identify(int(pid.read_text()))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await until(lambda: not is_alive(child))


async def test_a_daemon_that_keeps_the_output_open_does_not_keep_us(tmp_path):
    script = f"setsid sleep 1000 & echo $! > {tmp_path}/pid; wait"
    with pytest.raises(ProgramTimeoutError):
        await run_program(["sh", "-c", script], timeout_s=0.3)
    sweep_orphans([identify(int((tmp_path / "pid").read_text()))])
