"""One PostgreSQL for the session, one database for each test, and worker processes that tests may kill."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from adw.engine import runs
from adw.engine.dbos_engine import prepare_schema
from adw.engine.enqueuer import DbosEnqueuer
from adw.kit.postgres.embedded import EmbeddedPostgres
from adw.store.db import Database, driver_url
from adw.store.metadata import metadata
from adw.store.tables.workers import workers

sys.path.append(str(Path(__file__).parent))
import engine_worker

DEADLINE_S = 30.0
MEMORY = Path("/dev/shm")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["adw.engine.dbos_engine"])


class Cluster:
    """A PostgreSQL that tests may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self._embedded = EmbeddedPostgres(data_dir=folder)
        self.start()

    def start(self) -> None:
        """Returns once statements are answered: after a kill the server first repeats what its files lack."""
        self._url = make_url(driver_url(self._embedded.start()))
        deadline = time.monotonic() + DEADLINE_S
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True

    def kill(self) -> None:
        """kill -9 of the postmaster and all its children, which each lead a session of their own."""
        pid = self._embedded.status().pid
        assert pid is not None
        postmaster = psutil.Process(pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=5)

    def stop(self) -> None:
        self._embedded.close()

    def url(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)

    def execute(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _with_template(cluster: Cluster) -> Cluster:
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
    with tempfile.TemporaryDirectory(prefix="adw-engine-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        Path(folder).chmod(0o711)  # as root the server runs as another user, who must get through
        cluster = Cluster(Path(folder))
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
