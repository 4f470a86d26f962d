"""`kill -9` of anything, at any time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import psycopg
import pytest

from adw.kit.errors import DatabaseError
from adw.kit.postgres import EmbeddedPostgres
from adw.kit.process import identify

DEADLINE_S = 60.0
WRITER = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while True:
        (n,) = connection.execute("INSERT INTO acked (who) VALUES (%s) RETURNING n", [sys.argv[2]]).fetchone()
        print(n, flush=True)
"""


def until(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)
    return value


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    until(lambda: identify(pid) is None)


def server_processes(data):
    def works_there(process):
        try:
            return process.cwd() == str(data)
        except psutil.Error:
            return False

    return [process.pid for process in psutil.process_iter() if works_there(process)]


def nobody_works_for(home):
    """Kills whoever has a file of that folder open or named; true when there is nobody any more."""
    found = [process for process in psutil.process_iter() if works_for(process, home)]
    for process in found:
        kill(process.pid)
    return not found


def works_for(process, home):
    try:
        open_files = [file.path for file in process.open_files()]
        return any(str(home) in place for place in [*process.cmdline(), process.cwd(), *open_files])
    except psutil.Error:
        return False


@pytest.mark.parametrize("milestone", ["PG_VERSION", "global/pg_control", "base/1/PG_VERSION"])
def test_kill_9_during_initdb_leaves_the_next_start_unharmed(short_dir, user_process, query, milestone):
    home = short_dir / "new" / "postgres"
    user = user_process(home.parent)
    until(lambda: list(home.glob(f"data.new-*/{milestone}")))
    family = psutil.Process(user.pid).children(recursive=True)
    for process in [psutil.Process(user.pid), *family]:
        kill(process.pid)
    until(lambda: nobody_works_for(home))  # initdb may have started another helper since its family was listed
    assert not (home / "data").exists()
    with EmbeddedPostgres(data_dir=home.parent) as postgres:
        assert query(postgres.start(), "SELECT 1") == [(1,)]
        assert list(home.glob("data.new-*")) == []


def test_kill_9_of_a_user_does_not_keep_the_server_alive_for_ever(postgres, data_dir, user_process):
    other = user_process(data_dir)
    assert other.stdout.readline()
    other.kill()
    other.wait()
    assert postgres.status().running
    postgres.close()
    assert not postgres.status().running


def test_kill_9_of_the_only_user_leaves_a_server_that_the_next_one_takes_over(data_dir, user_process):
    only = user_process(data_dir)
    url = only.stdout.readline().strip()
    only.kill()
    only.wait()
    with EmbeddedPostgres(data_dir=data_dir) as postgres:
        assert postgres.start() == url
    assert not postgres.status().running


def test_kill_9_of_the_server_loses_nothing_and_start_brings_it_back(postgres, query):
    query(postgres.start(), "CREATE TABLE kept AS SELECT 42 AS n")
    kill(postgres.status().pid)
    assert not postgres.status().running
    assert query(postgres.start(), "SELECT n FROM kept") == [(42,)]


def test_no_acknowledged_write_is_lost_when_every_server_process_is_killed(postgres, query):
    url = postgres.start()
    query(url, "CREATE TABLE acked (n bigserial PRIMARY KEY, who text)")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for number in range(3)
    ]
    until(lambda: query(url, "SELECT count(*) >= 300 AND count(DISTINCT who) = 3 FROM acked")[0][0])
    for pid in server_processes(postgres.status().data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    acked = {int(line) for writer in writers for line in writer.communicate(timeout=30)[0].split()}
    stored = {n for (n,) in query(postgres.start(), "SELECT n FROM acked")}
    assert len(acked) >= 300 - len(writers)
    assert acked - stored == set()


def with_lock_files_of(pid, data_dir, postgres):
    """The lock files of a server that died, naming another process."""
    data = postgres.status().data
    recorded = (data / "postmaster.pid").read_text().partition("\n")[2]
    for victim in server_processes(data):
        kill(victim)
    (data / "postmaster.pid").write_text(f"{pid}\n{recorded}")
    for lock in (data.parent / "socket").glob(".*.lock"):
        lock.write_text(f"{pid}\n{recorded}")


def owner_options(data_dir):
    """Our own pid as root would not deceive a server of another user: the stand-in must be that user's."""
    return {"user": (data_dir / "postgres" / "data").stat().st_uid} if os.geteuid() == 0 else {}


def test_a_zombie_with_the_server_s_pid_does_not_count_as_a_server(postgres, data_dir, query):
    zombie = subprocess.Popen(["true"], **owner_options(data_dir))
    try:
        until(lambda: identify(zombie.pid) is None)
        with_lock_files_of(zombie.pid, data_dir, postgres)
        assert postgres.status().pid is None
        assert query(postgres.start(), "SELECT 1") == [(1,)]
    finally:
        zombie.wait()


def test_a_stranger_with_the_server_s_pid_does_not_count_as_a_server(postgres, data_dir, query):
    stranger = subprocess.Popen(["sleep", "1000"], **owner_options(data_dir))
    try:
        with_lock_files_of(stranger.pid, data_dir, postgres)
        assert postgres.status().pid is None
        assert query(postgres.start(), "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", ["", "nonsense\n", "-5\n"])
def test_a_lock_file_without_a_pid_is_no_obstacle(postgres, query, content):
    data = postgres.status().data
    for victim in server_processes(data):
        kill(victim)
    (data / "postmaster.pid").write_text(content)
    assert query(postgres.start(), "SELECT 1") == [(1,)]


def test_a_stuck_helper_of_a_dead_server_is_killed_before_the_next_one_starts(postgres, query):
    with psycopg.connect(postgres.start()) as connection:
        stuck = connection.info.backend_pid
        os.kill(stuck, signal.SIGSTOP)
        kill(postgres.status().pid)
        assert query(postgres.start(), "SELECT 1") == [(1,)]
        assert identify(stuck) is None


def test_a_server_whose_socket_was_swept_away_is_restarted(postgres, query):
    before = postgres.status()
    for path in (before.data.parent / "socket").iterdir():
        path.unlink()
    assert query(postgres.start(), "SELECT 1") == [(1,)]
    assert postgres.status().pid != before.pid


def test_a_long_recovery_is_waited_for_by_those_who_can_wait(data_dir, query):
    data = data_dir / "postgres" / "data"
    gate = data / "go_on"
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write(f"restore_command = 'while [ ! -e {gate} ]; do sleep 0.05; done; exit 1'\n")
    with pytest.raises(DatabaseError, match="still recovering after 1 s") as caught:
        EmbeddedPostgres(data_dir=data_dir, start_timeout_s=1).start()
    assert "try again later" in caught.value.hint
    with pytest.raises(DatabaseError, match="still recovering"):
        EmbeddedPostgres(data_dir=data_dir, start_timeout_s=0.1).start()
    gate.touch()
    with EmbeddedPostgres(data_dir=data_dir) as postgres:
        assert query(postgres.start(), "SELECT pg_is_in_recovery()") == [(False,)]


def test_whoever_waits_too_long_for_another_start_is_told(data_dir, user_process):
    import fcntl

    lock = (data_dir / "postgres" / "start.lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DatabaseError, match="Another process has been starting the database"):
            EmbeddedPostgres(data_dir=data_dir, start_timeout_s=0.05).start()
