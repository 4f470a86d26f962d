"""Programs live as long as their worker says that its lease goes on."""

from __future__ import annotations

import asyncio
import time

import pytest

from adw.kit.process import Launch, Lifeline, SupervisedLauncher


@pytest.fixture
async def lifeline(tmp_path):
    async with await Lifeline.open(tmp_path / "run") as lifeline:
        yield lifeline


@pytest.fixture
def launcher(lifeline, tmp_path):
    return SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "run")


def launch(tmp_path, *argv):
    return Launch(argv=argv, cwd=tmp_path, env={"PATH": "/usr/local/bin:/usr/bin:/bin"})


async def test_a_program_outlives_many_beats(launcher, lifeline, tmp_path):
    lifeline.extend(time.monotonic() + 2)
    go = tmp_path / "go"
    script = f'while [ ! -e "{go}" ]; do sleep 0.05; done; echo done'
    running = asyncio.ensure_future(launcher.run(launch(tmp_path, "sh", "-c", script), timeout_s=60))
    for _ in range(8):
        await asyncio.sleep(0.3)
        lifeline.extend(time.monotonic() + 2)
    go.touch()
    lifeline.extend(time.monotonic() + 60)
    exited = await running
    assert (exited.exit_code, exited.output, lifeline.lapses) == (0, "done\n", 0)


async def test_nothing_is_started_through_a_wrapper_while_the_lease_is_over(launcher, lifeline, tmp_path):
    lifeline.extend(time.monotonic() - 1)
    script = launcher.wrap(launch(tmp_path, "touch", str(tmp_path / "made")), folder=tmp_path / "folder")
    process = await asyncio.create_subprocess_exec(str(script), stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 125
    assert b"no lease" in said
    assert not (tmp_path / "made").exists()
