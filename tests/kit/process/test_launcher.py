from __future__ import annotations

import asyncio
import os
import shlex
import signal
import stat
import sys
import time
from pathlib import Path

import psutil
import pytest

from adw.kit.process import Launch, Lifeline, SupervisedLauncher, identify, is_alive, run_program, sweep_orphans
from adw.kit.process.strays import stray_supervisors

CLEAN = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
DEADLINE_S = 20.0
# A process that leaves its session, its parent and its standard streams, as daemons do.
DAEMON = (
    "import os,sys,time\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "fd = os.open(os.devnull, os.O_RDWR)\n"
    "[os.dup2(fd, n) for n in (0, 1, 2)]\n"
    "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"
    "time.sleep(1000)\n"
)
WORKER = """
import asyncio, sys
from pathlib import Path
from adw.kit.process import Launch, Lifeline, SupervisedLauncher
async def main():
    folder = Path(sys.argv[1])
    async with await Lifeline.open(folder) as lifeline:
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=folder)
        launch = Launch(argv=["sh", "-c", sys.argv[2]], cwd=folder, env={"PATH": "/usr/bin:/bin"})
        await launcher.run(launch, timeout_s=600)
asyncio.run(main())
"""


@pytest.fixture
async def lifeline(tmp_path):
    async with await Lifeline.open(tmp_path / "run") as lifeline:
        yield lifeline


@pytest.fixture
def launcher(lifeline, tmp_path):
    return SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run")


def launch(tmp_path, *argv, env=CLEAN):
    return Launch(argv=argv, cwd=tmp_path, env=env)


def family_script(pids: Path) -> str:
    """A shell with a background child, a daemon and a foreground child, all of which record their pids."""
    note = f'echo $! >> "{pids}"'
    daemon = f"{shlex.quote(sys.executable)} -I -S -c {shlex.quote(DAEMON)} {shlex.quote(str(pids))}"
    return f'echo $$ >> "{pids}"; sleep 1000 & {note}; {daemon}; sleep 1000 & {note}; wait'


async def recorded(pids: Path, count: int):
    """The identities of the family once all have recorded themselves."""
    deadline = time.monotonic() + DEADLINE_S
    while not (pids.exists() and pids.read_text().count("\n") >= count):
        assert time.monotonic() < deadline, f"expected {count} processes in {pids}"
        await asyncio.sleep(0.01)
    found = [identify(int(line)) for line in pids.read_text().split()]
    assert all(found)
    return found


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
async def test_the_exit_code_is_the_program_s_or_128_plus_its_signal(launcher, tmp_path, script, code):
    exited = await launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=30)
    assert exited.exit_code == code
    assert not exited.timed_out


async def test_output_and_errors_arrive_together_and_in_order(launcher, tmp_path):
    exited = await launcher.run(launch(tmp_path, "sh", "-c", "echo one; echo two >&2; echo three"), timeout_s=30)
    assert exited.output == "one\ntwo\nthree\n"
    assert not exited.truncated
    assert exited.duration_ms >= 0


async def test_a_missing_program_gives_127_and_says_which(launcher, tmp_path):
    exited = await launcher.run(launch(tmp_path, "no-such-program"), timeout_s=30)
    assert exited.exit_code == 127
    assert "program not found: no-such-program" in exited.output


async def test_a_file_that_is_no_program_gives_126(launcher, tmp_path):
    exited = await launcher.run(launch(tmp_path, str(tmp_path)), timeout_s=30)
    assert exited.exit_code == 126


async def test_a_missing_folder_is_refused_with_125(launcher, tmp_path):
    exited = await launcher.run(Launch(argv=["true"], cwd=tmp_path / "gone", env=CLEAN), timeout_s=30)
    assert exited.exit_code == 125
    assert "refused to start" in exited.output


async def test_the_program_sees_exactly_the_environment_given(launcher, tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    exited = await launcher.run(launch(tmp_path, "/usr/bin/env", env={"ONLY": "thïs\nand this"}), timeout_s=30)
    assert exited.output == "ONLY=thïs\nand this\n"


async def test_standard_input_is_empty_and_the_folder_is_the_one_named(launcher, tmp_path):
    exited = await launcher.run(launch(tmp_path, "sh", "-c", "cat; pwd -P"), timeout_s=30)
    assert exited.output.strip() == str(tmp_path.resolve())


async def test_megabytes_of_output_keep_their_head_and_tail(launcher, tmp_path):
    script = "echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo last"
    exited = await launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=60, max_output_bytes=10_000)
    assert exited.exit_code == 0
    assert exited.truncated
    assert exited.output.startswith("first\nxxx")
    assert exited.output.endswith("xxx\nlast\n")
    assert "bytes left out" in exited.output
    assert len(exited.output) < 10_100


async def test_a_time_out_ends_the_whole_family_before_it_returns(launcher, tmp_path):
    pids = tmp_path / "pids"
    exited = await launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=0.7)
    assert exited.timed_out
    assert exited.exit_code is None
    family = [int(pid) for pid in pids.read_text().split()]
    assert family
    assert [pid for pid in family if identify(pid) is not None] == []


async def test_a_program_that_ignores_every_signal_still_ends_in_time(launcher, tmp_path):
    script = "trap '' TERM INT HUP QUIT; echo ready; while :; do sleep 1000; done"
    exited = await launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=0.5)
    assert exited.timed_out
    assert exited.duration_ms < 10_000


async def test_a_cancellation_ends_the_whole_family_before_it_returns(launcher, tmp_path):
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=600))
    family = await recorded(pids, 4)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [member for member in family if is_alive(member)]


async def test_cancelling_again_and_again_changes_nothing(launcher, tmp_path):
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=600))
    family = await recorded(pids, 4)
    while not running.done():
        running.cancel()
        await asyncio.sleep(0)
    assert running.cancelled()
    assert not [member for member in family if is_alive(member)]


async def test_a_cancellation_before_the_start_leaves_nothing(launcher, tmp_path):
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sleep", "1000"), timeout_s=600))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert list((tmp_path / "run").glob("launch-*")) == []


async def test_daemons_left_behind_by_a_finished_program_are_killed(launcher, tmp_path):
    pids = tmp_path / "pids"
    daemon = f"{shlex.quote(sys.executable)} -I -S -c {shlex.quote(DAEMON)} {shlex.quote(str(pids))}"
    script = f'{daemon}; sleep 1000 & while [ ! -s "{pids}" ]; do sleep 0.01; done; echo done'
    exited = await launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=30)
    assert exited.exit_code == 0
    assert exited.output == "done\n"
    assert identify(int(pids.read_text())) is None


async def test_kill_9_of_the_worker_leaves_no_descendant(tmp_path, until):
    pids = tmp_path / "pids"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(tmp_path / "run"), family_script(pids)
    )
    family = await recorded(pids, 4)
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await until(lambda: not [member for member in family if is_alive(member)])


async def test_closing_the_lifeline_ends_everything(tmp_path):
    pids = tmp_path / "pids"
    lifeline = await Lifeline.open(tmp_path / "run")
    launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run")
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=600))
    family = await recorded(pids, 4)
    await lifeline.close()
    assert not [member for member in family if is_alive(member)]
    assert (await running).exit_code == 137
    assert not lifeline.path.exists()


async def test_nothing_starts_when_the_worker_is_gone(tmp_path):
    lifeline = await Lifeline.open(tmp_path / "run")
    launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run")
    script = launcher.wrap(launch(tmp_path, "touch", str(tmp_path / "started")), folder=tmp_path / "w")
    await lifeline.close()
    done = await run_program([str(script)])
    assert done.code == 125
    assert "no worker listens" in done.err
    assert not (tmp_path / "started").exists()


async def test_a_wrapper_passes_its_arguments_streams_and_chosen_variables(launcher, tmp_path):
    show = "import os,sys; print(sys.argv[1:], sys.stdin.read(), sorted(os.environ), os.getcwd())"
    program = launch(tmp_path, sys.executable, "-S", "-c", show, "fixed one", env={"A": "1", "LC_ALL": "C.UTF-8"})
    script = launcher.wrap(program, folder=tmp_path / "with space")
    process = await asyncio.create_subprocess_exec(
        script,
        "it's",
        'a "b" $c',
        "",
        "*",
        env={"SECRET": "x", "CLAUDE_AGENT_SDK_VERSION": "1 2", "PATH": "/bin"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(b"typed")
    arguments = ["fixed one", "it's", 'a "b" $c', "", "*"]
    assert out.decode().strip() == f"{arguments} typed ['A', 'CLAUDE_AGENT_SDK_VERSION', 'LC_ALL'] {tmp_path}"
    assert process.returncode == 0


async def test_what_a_wrapper_writes_is_private(launcher, tmp_path):
    script = launcher.wrap(launch(tmp_path, "true"), folder=tmp_path / "w")
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "w").iterdir()}
    assert modes == {".json": 0o600, "": 0o700}
    assert script.parent == tmp_path / "w"


async def started_family(launcher, tmp_path):
    pids = tmp_path / "pids"
    script = launcher.wrap(launch(tmp_path, "sh", "-c"), folder=tmp_path / "w")
    process = await asyncio.create_subprocess_exec(script, family_script(pids))
    return script, process, await recorded(pids, 4)


async def test_ending_a_wrapper_kills_what_it_started_before_it_returns(launcher, tmp_path):
    script, process, family = await started_family(launcher, tmp_path)
    assert len(launcher.started(script)) == 1
    assert await launcher.end(script)
    assert not [member for member in family if is_alive(member)]
    assert await process.wait() == 137
    assert launcher.started(script) == []
    assert await launcher.end(script)


async def test_a_polite_signal_reaches_the_program(launcher, tmp_path):
    script = launcher.wrap(launch(tmp_path, "sh", "-c"), folder=tmp_path / "w")
    process = await asyncio.create_subprocess_exec(
        script, "trap 'echo bye; exit 7' TERM; echo ready; sleep 1000 & wait", stdout=asyncio.subprocess.PIPE
    )
    assert await process.stdout.readline() == b"ready\n"
    process.terminate()
    assert await process.stdout.readline() == b"bye\n"
    assert await process.wait() == 7


async def test_killing_the_front_process_kills_the_family(launcher, tmp_path, until):
    _, process, family = await started_family(launcher, tmp_path)
    process.kill()
    await process.wait()
    await until(lambda: not [member for member in family if is_alive(member)])


async def test_killing_the_reaper_kills_the_family_too(launcher, tmp_path):
    script, process, family = await started_family(launcher, tmp_path)
    (reaper,) = launcher.started(script)
    os.kill(reaper.pid, signal.SIGKILL)
    assert await process.wait() == 137
    assert not [member for member in family if is_alive(member)]


async def test_a_supervisor_that_was_stopped_is_killed_with_its_family(lifeline, tmp_path):
    launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run", patience_s=0.2)
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=600))
    family = await recorded(pids, 4)
    ((reaper,),) = lifeline.supervisors().values()
    os.kill(psutil.Process(reaper.pid).ppid(), signal.SIGSTOP)
    os.kill(reaper.pid, signal.SIGSTOP)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [member for member in family if is_alive(member)]


async def test_ending_a_wrapper_also_ends_a_supervisor_that_was_stopped(lifeline, tmp_path):
    launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run", patience_s=0.2)
    script, process, family = await started_family(launcher, tmp_path)
    (reaper,) = launcher.started(script)
    os.kill(reaper.pid, signal.SIGSTOP)
    assert await launcher.end(script)
    assert not [member for member in family if is_alive(member)]
    await process.wait()


async def test_the_program_is_the_only_holder_of_its_streams(launcher, tmp_path):
    script = launcher.wrap(launch(tmp_path, "sh", "-c"), folder=tmp_path / "w")
    process = await asyncio.create_subprocess_exec(script, "exec >&-; sleep 1000", stdout=asyncio.subprocess.PIPE)
    assert await asyncio.wait_for(process.stdout.read(), DEADLINE_S) == b""
    assert await launcher.end(script)
    await process.wait()


async def test_a_sweep_kills_recorded_processes_with_their_descendants(tmp_path):
    pids = tmp_path / "pids"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f'sleep 1000 & echo $! >> "{pids}"; sleep 1000 & echo $! >> "{pids}"; wait', start_new_session=True
    )
    family = await recorded(pids, 2)
    swept = await asyncio.to_thread(sweep_orphans, [identify(process.pid)])
    assert swept == 1
    await process.wait()
    assert not [member for member in family if is_alive(member)]


async def test_many_programs_run_at_once(launcher, tmp_path):
    runs = [launcher.run(launch(tmp_path, "sh", "-c", f"echo {n}"), timeout_s=60) for n in range(12)]
    assert [exited.output for exited in await asyncio.gather(*runs)] == [f"{n}\n" for n in range(12)]
    assert list((tmp_path / "run").glob("launch-*")) == []


async def test_the_isolation_in_force_is_named(launcher):
    assert launcher.isolation() == "supervisor"


async def test_a_program_ends_with_the_lease_of_a_worker_that_says_nothing_more(launcher, lifeline, tmp_path, until):
    """As when the worker is stopped: nobody has to tell the supervisor, it is silence that ends it."""
    lifeline.extend(time.monotonic() + 60)
    pids = tmp_path / "pids"
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", family_script(pids)), timeout_s=60))
    family = await recorded(pids, 4)
    lapses = lifeline.lapses
    lifeline.extend(time.monotonic() + 0.2)
    await until(lambda: not any(map(is_alive, family)))
    assert lifeline.has_lapsed
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert lifeline.lapses == lapses + 1


async def test_what_ended_with_the_lease_is_run_again_when_it_is_renewed(launcher, lifeline, tmp_path, until):
    lifeline.extend(time.monotonic() + 60)
    script = 'echo $$ >> tries; [ "$(wc -l < tries)" -gt 1 ] || sleep 1000; echo done'
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=60))
    (first,) = await recorded(tmp_path / "tries", 1)
    lifeline.extend(time.monotonic() + 0.2)
    await until(lambda: not is_alive(first))
    lifeline.extend(time.monotonic() + 60)
    assert (await running).output == "done\n"
    assert (tmp_path / "tries").read_text().count("\n") == 2


async def test_a_stopped_supervisor_whose_worker_is_gone_is_found_and_swept(tmp_path):
    """It could not notice that its lifeline closed."""
    pids = tmp_path / "pids"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, str(tmp_path / "w"), f'echo $$ >> "{pids}"; sleep 1000'
    )
    (program,) = await recorded(pids, 1)
    assert stray_supervisors(tmp_path) == []
    reaper = psutil.Process(program.pid).parent()
    for process in (reaper, reaper.parent()):
        process.suspend()
    worker.kill()
    await worker.wait()
    strays = stray_supervisors(tmp_path)
    assert reaper.pid in {stray.pid for stray in strays}
    assert await asyncio.to_thread(sweep_orphans, strays)
    assert not is_alive(program)
