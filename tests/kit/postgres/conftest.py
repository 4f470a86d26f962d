from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import psycopg
import pytest

from adw.kit.errors import AdwError
from adw.kit.postgres import EmbeddedPostgres

# In memory where there is room: each test has a cluster of its own, 40 MB of small files.
FAST = Path("/dev/shm")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def short_dir():
    """A folder that an unprivileged server can reach when the tests run as root (pytest's own are closed to it)."""
    yield from _short_dir()


@pytest.fixture(scope="session")
def template():
    """A data directory with a cluster that was stopped in order."""
    for folder in _short_dir():
        with EmbeddedPostgres(data_dir=folder / "d"):
            pass
        yield folder / "d"


@pytest.fixture
def data_dir(template, short_dir):
    """A data directory of its own for each test, copied: making a cluster takes much longer."""
    subprocess.run(["cp", "-a", template, short_dir / "d"], check=True)
    return short_dir / "d"


@pytest.fixture
def postgres(data_dir):
    with EmbeddedPostgres(data_dir=data_dir) as postgres:
        yield postgres


@pytest.fixture
def query():
    def ask(url, statement):
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else None

    return ask


@pytest.fixture
def as_user():
    """Runs a function in a forked child as another user; returns what it printed. Only root can."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")

    def run(function, *, uid=NOBODY.pw_uid, gid=NOBODY.pw_gid):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
                said = str(function())
            except AdwError as error:
                said = f"{type(error).__name__}: {error.message} | {error.hint}"
            except BaseException:  # noqa: BLE001 - the parent shall see it
                said = traceback.format_exc()
            os.write(writing, said.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as file:
            said = file.read()
        os.waitpid(child, 0)
        return said

    return run


@pytest.fixture
def user_process():
    """Starts other processes that use the database of a data directory until their standard input is closed."""
    started = []

    def start(data_dir):
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


USER = """
import sys
from pathlib import Path
from adw.kit.postgres import EmbeddedPostgres
with EmbeddedPostgres(data_dir=Path(sys.argv[1])) as postgres:
    print(postgres.start(), flush=True)
    sys.stdin.read()
"""


def _short_dir():
    folder = Path(tempfile.mkdtemp(prefix="pg", dir=FAST if FAST.is_dir() and has_room(FAST) else "/tmp"))
    folder.chmod(0o711)
    yield folder
    for marker in folder.glob("**/postgres/data/postmaster.pid"):
        with contextlib.suppress(AdwError):
            EmbeddedPostgres(data_dir=marker.parents[2]).stop()
    shutil.rmtree(folder)


def has_room(folder):
    return shutil.disk_usage(folder).free > 2_000_000_000
