"""What system tests stand on: a database, a scripted model, worker processes that may be killed, and eyes on them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
from sqlalchemy import text
from tests.measuring import unmeasured

from adw.agents.scripted_model import Journal, Scenario, serve_scripted_model
from adw.domain.status import UNFINISHED
from adw.intake.service import WorkRequest
from adw.kit.settings import read_settings
from adw.store import agent_outputs, phases
from adw.store.events import get_workflow_events
from adw.store.usage import usage_of_workflow
from adw.store.workflows import list_workflows, require_workflow
from adw.wiring.foundation import open_foundation

HERE = Path(__file__).parent
DEADLINE_S = 60.0
KEY = "sk-ant-test"


class Model:
    """A scripted model in a thread of its own. Each test gives it a script and finds an empty journal."""

    def __init__(self):
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with serve_scripted_model(Scenario()) as self._server:
            self._ready.set()
            await self._end.wait()

    @property
    def url(self):
        return self._server.url

    def follow(self, scenario):
        self._server.model.scenario = scenario
        self._server.model.journal = Journal()

    @property
    def journal(self):
        return self._server.model.journal

    def asked(self, role):
        """The requests of a role, in order."""
        return [entry for entry in self.journal.entries if entry.role == role]

    def conversations(self, role):
        """How often a conversation of this role was begun: requests before which nothing was said."""
        return sum(entry.turn == 1 and entry.step == 0 and entry.seen == 0 for entry in self.asked(role))

    def close(self):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(DEADLINE_S)


class Nursery:
    """Where worker processes come from. Measuring coverage doubles their work, and what is killed reports none."""

    def __init__(self, *, measured):
        self._process = subprocess.Popen(
            [sys.executable, HERE / "nursery.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ) if measured else unmeasured(os.environ),
        )
        self._is_ready = False

    def fork(self, order):
        if not self._is_ready:
            assert self._process.stdout.readline() == "ready\n"
            self._is_ready = True
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(DEADLINE_S)
        self._process.stdout.close()


class WorkerProcess:
    """One worker, known by its pid and its log."""

    def __init__(self, pid, log, popen=None):
        self.pid = pid
        self._popen = popen
        self.log = log
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(pid)

    @property
    def alive(self):
        try:
            return self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it went between the two questions
            return False

    def send(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9, and the process is gone on return."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGKILL)
        self.gone()

    def gone(self):
        until(lambda: not self.alive, "the worker is gone")
        if self._popen is not None:
            self._popen.wait()

    def stop(self):
        """In order, as by SIGTERM."""
        with contextlib.suppress(ProcessLookupError):
            self.send(signal.SIGTERM)
        self.gone()

    def ready(self):
        until(lambda: "worker_ready" in self.said() or not self.alive, "the worker is ready")
        assert "worker_ready" in self.said(), self.said()

    def said(self):
        return self.log.read_text() if self.log.exists() else ""


class Scene:
    """A data directory on a database, its workers, and the door through which work comes in."""

    def __init__(self, folder, *, url, model, nursery, **variables):
        self.folder = folder
        self.model = model
        self.url = url
        self._nursery = nursery
        self.workers = []
        self.env = {
            **{name: os.environ[name] for name in os.environ if _passes(name)},
            "ADW_DATA_DIR": str(folder / "data"),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": KEY,
            # what agents and commands of a test leave as a sign lies outside their tree, unless it says otherwise
            "ADW_SANDBOX": "off",
            **({} if url is None else {"DATABASE_URL": url}),
            **variables,
        }

    @contextlib.asynccontextmanager
    async def opened(self):
        """With the parts of a process that hands in and steers work; the workers end with it."""
        settings = read_settings(self.env)
        try:
            async with open_foundation(settings, url=self.url, environ=self.env) as self.foundation:
                yield self
        finally:
            for worker in self.workers:
                worker.kill()

    @property
    def control(self):
        return self.foundation.control

    def fork_worker(self, *, death=None, impatient=False):
        """Starts a worker and returns once it executes; with `death` it is gone at that call: (name, before|after)."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        order = {"env": self.env, "log": str(log), "death": death, "impatient": impatient}
        return self._added(WorkerProcess(self._nursery.fork(order), log))

    def start_worker(self):
        """The same in a process of its own, started as a person would."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        code = (
            "from adw.kit.settings import read_settings; from adw.worker.main import run_worker;"
            " run_worker(read_settings())"
        )
        with log.open("ab") as file:
            process = subprocess.Popen([sys.executable, "-c", code], env=self.env, stdout=file, stderr=file)
        return self._added(WorkerProcess(process.pid, log, process))

    def _added(self, worker):
        self.workers.append(worker)
        worker.ready()
        return worker

    async def accept(self, repository, kind="plan-build-test", prompt="Say farewell\n\nPeople go.", **request):
        if "issue_number" in request:
            prompt = None
        new = WorkRequest(project=str(repository), kind=kind, actor="person", source="cli", prompt=prompt, **request)
        return (await self.foundation.intake.accept(new)).workflow

    async def run(self, repository, kind="plan-build-test", **request):
        """Hands work in and returns the workflow as it is when nothing moves any more."""
        accepted = await self.accept(repository, kind, **request)
        return await self.settled(accepted.adw_id)

    async def workflow(self, adw_id):
        async with self.foundation.database.look() as connection:
            return await require_workflow(connection, adw_id)

    async def becomes(self, adw_id, *statuses, timeout_s=DEADLINE_S):
        async def reached():
            found = await self.workflow(adw_id)
            return found if found.status in statuses else None

        return await self.eventually(reached, f"{adw_id} is {' or '.join(statuses)}", timeout_s=timeout_s)

    async def settled(self, adw_id, *, timeout_s=DEADLINE_S):
        return await self.becomes(adw_id, "completed", "failed", "waiting", "cancelled", timeout_s=timeout_s)

    async def completed(self, adw_id, *, timeout_s=DEADLINE_S):
        found = await self.settled(adw_id, timeout_s=timeout_s)
        assert found.status == "completed", (found.failure, self.told())
        return found

    async def eventually(self, condition, what, *, timeout_s=DEADLINE_S):
        """Waits for a condition, plain or awaitable, and returns what made it true."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            assert time.monotonic() < deadline, f"not in time: {what}\n{self.told()}"
            await asyncio.sleep(0.05)

    async def events(self, adw_id, *types):
        async with self.foundation.database.read() as connection:
            found = await get_workflow_events(connection, adw_id)
        return [event for event in found if not types or event.type in types]

    async def phases(self, adw_id):
        async with self.foundation.database.read() as connection:
            return await phases.list_phases(connection, adw_id)

    async def evidence(self, adw_id):
        """The latest result of each gate, by name."""
        async with self.foundation.database.read() as connection:
            return {row.evidence.gate: row.evidence for row in await phases.list_evidence(connection, adw_id)}

    async def agents(self, adw_id):
        async with self.foundation.database.read() as connection:
            return await agent_outputs.get_agent_outputs(connection, adw_id)

    async def has_said(self, words):
        """Whether a kept conversation holds these words: only what is kept can be resumed."""
        query = text("SELECT count(*) FROM agent_session_entries WHERE strpos(body, :words) > 0")
        async with self.foundation.database.read() as connection:
            return (await connection.execute(query, {"words": words})).scalar_one()

    async def usage(self, adw_id):
        async with self.foundation.database.read() as connection:
            return await usage_of_workflow(connection, adw_id)

    async def forge(self, workflow):
        project, _ = await self.foundation.intake.open_project(workflow.project_id)
        return self.foundation.access.forge(project)

    def survivors(self):
        """Every process below this scene that is not one of its workers: agents, their tools, project commands."""
        mark = str(self.folder)
        known = {os.getpid(), *(worker.pid for worker in self.workers)}
        return [process for process in psutil.process_iter() if process.pid not in known and _bears(process, mark)]

    async def nothing_survives(self, *, timeout_s=3.0):
        deadline = time.monotonic() + timeout_s
        while left := self.survivors():
            assert time.monotonic() < deadline, [process.cmdline() for process in left]
            await asyncio.sleep(0.05)

    async def leave_nothing_moving(self):
        """For the next test on the same system."""
        async with self.foundation.database.read() as connection:
            moving = await list_workflows(connection, statuses=sorted(UNFINISHED))
        for workflow in moving:
            await self.control.cancel(workflow.adw_id, actor="person")
        await self.nothing_survives(timeout_s=10)

    def told(self):
        """The ends of the workers' logs."""
        return "\n".join(worker.said()[-3000:] for worker in self.workers)


def until(condition, what, *, timeout_s=DEADLINE_S):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def _bears(process, mark):
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        said = [*process.cmdline(), process.cwd(), *process.environ().values()]
    except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
        return False
    return any(mark in each for each in said)


def _passes(name):
    """What a worker of a test gets of our environment: none of the program's own variables."""
    ours = ("ADW_", "ANTHROPIC_", "CLAUDE", "GITHUB_", "DATABASE_URL")
    return not name.startswith(ours)
