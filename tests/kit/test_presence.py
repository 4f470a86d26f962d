from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from adw.kit.presence import deserted, present

HOLDS = """
import sys
from pathlib import Path
from adw.kit.presence import present
with present(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


async def test_a_place_nobody_was_ever_at_is_deserted(tmp_path: Path):
    assert await deserted(tmp_path / "none", timeout_s=0)


async def test_several_may_be_at_work_and_the_last_to_leave_leaves_it_deserted(tmp_path: Path):
    file = tmp_path / "made" / "at-work"
    with present(file):
        with present(file):
            assert not await deserted(file, timeout_s=0)
        assert not await deserted(file, timeout_s=0.05)
    assert await deserted(file, timeout_s=0)


def test_a_killed_process_is_at_work_no_more(tmp_path: Path):
    file = tmp_path / "at-work"
    command = [sys.executable, "-c", HOLDS, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        assert not asyncio.run(deserted(file, timeout_s=0))
        process.kill()
        assert asyncio.run(deserted(file, timeout_s=10))
