from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from adw.cli.server.record import ServerRecord
from adw.kit.errors import ExitCode
from adw.kit.process.identity import identify


@pytest.fixture
def at_database(adw, database_url: str, silent_model: str):
    """The command line on a database of its own."""
    variables = {"DATABASE_URL": database_url, "ANTHROPIC_API_KEY": "any", "ANTHROPIC_BASE_URL": silent_model}
    return type(adw)(data_dir=adw.data_dir, cwd=adw.cwd, variables=variables)


def test_commands_started_at_once_share_one_server_which_keeps_its_worker_alive(
    at_database, ended, wait_for, server_tools
) -> None:
    adw = at_database
    first, second = adw.start("ls", "--json"), adw.start("ls", "--json")
    outputs = [process.communicate(timeout=60) for process in (first, second)]
    record: ServerRecord = ended(adw.data_dir)

    assert [json.loads(out) for out, _ in outputs] == [{"workflows": [], "nextCursor": None}] * 2
    log = (adw.data_dir / "logs/server.log").read_text()
    assert log.count("serving at") == 1
    assert f"serving at {record.url}" in log

    other = adw("ls", ANTHROPIC_BASE_URL="http://127.0.0.1:9")
    assert (other.returncode, other.stdout) == (ExitCode.CONFLICT, "")
    assert f"the server at {record.url} was started with another ANTHROPIC_BASE_URL [server_mismatch]" in other.stderr
    assert "adw serve --restart" in other.stderr
    assert "another ADW_DATA_DIR" in other.stderr

    again = adw("serve", "--port", "0")
    assert again.returncode == ExitCode.CONFLICT
    assert f"is already running at {record.url}" in again.stderr

    [worker] = wait_for(lambda: server_tools.workers_of(record.pid))
    os.kill(worker, signal.SIGKILL)
    [another] = wait_for(lambda: [pid for pid in server_tools.workers_of(record.pid) if pid != worker])
    assert identify(another) is not None

    os.kill(record.pid, signal.SIGTERM)
    wait_for(lambda: not record.is_alive)
    assert not (adw.data_dir / "server.json").exists()
    assert identify(another) is None


def test_a_server_can_be_replaced(at_database, ended, wait_for) -> None:
    adw = at_database
    first = adw.start("serve", "--no-worker", "--port", "0")
    before = wait_for(lambda: ended(adw.data_dir))

    second = adw.start("serve", "--no-worker", "--port", "0", "--restart", "--server", "uvicorn")
    after = wait_for(lambda: (found := ended(adw.data_dir)) and found.pid != before.pid and found)
    out, _ = first.communicate(timeout=30)
    assert (first.returncode, out) == (ExitCode.OK, f"serving at {before.url}\n")

    os.kill(after.pid, signal.SIGTERM)
    second.communicate(timeout=30)
    assert second.returncode == ExitCode.OK
    assert ended(adw.data_dir) is None


def test_a_server_whose_parent_is_gone_ends_with_it(at_database, ended, wait_for) -> None:
    process = at_database.start("serve", "--no-worker", "--port", "0", "--until-eof")
    record = wait_for(lambda: ended(at_database.data_dir))

    process.communicate(input="", timeout=30)

    assert process.returncode == ExitCode.OK
    assert not record.is_alive
    assert ended(at_database.data_dir) is None


def test_a_server_without_work_ends_itself(at_database, ended, wait_for) -> None:
    process = at_database.start("serve", "--no-worker", "--port", "0", "--idle-exit", "0.5")
    wait_for(lambda: ended(at_database.data_dir))

    process.communicate(timeout=30)

    assert process.returncode == ExitCode.OK


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(adw) -> None:
    done = adw("ls", DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")

    assert done.returncode == ExitCode.FAILED
    assert "the server ended with code" in done.stderr
    assert "127.0.0.1" in done.stderr
    assert "logs/server.log" in done.stderr


@pytest.mark.slow
def test_work_is_watched_across_the_death_of_the_server(at_database, ended, wait_for, server_tools, repo: Path) -> None:
    adw = at_database
    watching = adw.start("run", "Say goodbye", "--repo", str(repo), "--wait", "--json")
    before = wait_for(lambda: ended(adw.data_dir))
    assert watching.stdout is not None
    started = wait_for(lambda: [line for line in [watching.stdout.readline()] if "workflow " in line or print(line)])
    adw_id = started[0].split()[2]

    server_tools.kill(before)
    after = wait_for(lambda: (record := ended(adw.data_dir)) and record.pid != before.pid and record)
    cancelled = adw("workflow", "cancel", adw_id[:5], "--json")
    out, _ = watching.communicate(timeout=60)

    assert after.is_alive
    assert json.loads(cancelled.stdout)["status"] == "cancelled", cancelled.stderr
    assert watching.returncode == ExitCode.FAILED
    assert '"status": "cancelled"' in out
    assert isinstance(watching, subprocess.Popen)
