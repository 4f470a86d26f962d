from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from adw.kit.errors import ExitCode
from adw.kit.postgres import discard


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_issue_goes_all_the_way_to_the_base_branch_without_credentials(adw) -> None:
    done = subprocess.run(
        adw.argv("demo", "--json", "--keep"),
        env=adw.env | {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_API_KEY": "never used"},
        cwd=adw.cwd,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = json.loads(done.stdout)
    repo = Path(told["repo"])
    try:
        log = subprocess.run(
            ["git", "-C", str(repo), "log", "--format=%H", "main"], capture_output=True, text=True, check=True
        ).stdout.split()
        written = (repo / "tally" / "reminder.py").read_text()
    finally:
        discard(repo.parent / "data")
        shutil.rmtree(repo.parent, ignore_errors=True)

    assert done.returncode == ExitCode.OK, done.stderr
    assert (told["status"], told["prState"]) == ("completed", "merged")
    assert told["tests"]["afterBuild"]["failed"] > 0
    assert told["tests"]["final"]["failed"] == 0
    assert told["reviewRounds"] == 2
    assert [told["mergeSha"], *(commit["sha"] for commit in told["commits"])] == [log[0]] * 2
    assert "balance(lines)" in written, "the clean checkout follows its branch"
    assert [phase["name"] for phase in told["phases"]] == [
        "plan",
        "build",
        "test",
        "review",
        "document",
        "ship",
    ]
    assert f"adw pr show {told['prNumber']} --repo {repo}" in done.stderr
    assert not list(adw.data_dir.glob("*"))


def test_an_interrupted_demo_leaves_nothing(adw) -> None:
    place = Path(tempfile.mkdtemp(prefix="d", dir="/tmp"))  # a short path: sockets live below it
    try:
        process = subprocess.Popen(
            adw.argv("demo"), env=adw.env | {"TMPDIR": str(place)}, cwd=adw.cwd, stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 60
        while not list(place.glob("adw-demo-*/data/logs/server.log")):
            assert time.monotonic() < deadline
            time.sleep(0.02)

        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=60)

        assert process.returncode == ExitCode.INTERRUPTED
        assert list(place.iterdir()) == []
    finally:
        shutil.rmtree(place, ignore_errors=True)
