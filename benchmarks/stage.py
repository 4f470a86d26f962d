"""What workflows are measured on: a sample repository, a database, a scripted model, and workers to start and kill."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from adw.agents.scripted_model import ScriptedModelServer, serve_scripted_model
from adw.agents.scripted_model.scenario import Scenario
from adw.domain.events import Event
from adw.domain.status import Status
from adw.domain.workflow import Workflow
from adw.intake.service import WorkRequest
from adw.kit.postgres import EmbeddedPostgres
from adw.kit.settings import read_settings
from adw.kit.variables import OUR_NAMES, OUR_PREFIXES
from adw.store.events import get_workflow_events
from adw.store.workflows import get_workflow
from adw.wiring.database import migrated_database
from adw.wiring.foundation import Foundation, open_foundation
from benchmarks.family import tree
from benchmarks.scenario import FILES

KIND = "plan-build-test"
PROMPT = "Greet people by their name."
LOOK_S = 0.1
READY_S = 60.0
_ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.WAITING, Status.CANCELLED})

_CONFIG = """[commands]
setup = false
build = false
lint = false
test = { run = "sh check.sh {report}" }
"""
_CHECK = """cat > "$1" <<'REPORT'
<testsuite name="parts" tests="1"><testcase classname="parts" name="are there" time="0.001"/></testsuite>
REPORT
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything but the worker, which each figure starts as it needs it."""

    root: Path
    repo: Path
    env: Mapping[str, str]
    """The environment of every process of ours."""
    foundation: Foundation
    model: ScriptedModelServer

    @property
    def model_url(self) -> str:
        return self.model.url

    async def accept(self, *, kind: str = KIND) -> str:
        """Hands in a piece of work; returns its `adw_id`."""
        request = WorkRequest(project=str(self.repo), kind=kind, actor="bench", source="cli", prompt=PROMPT)
        return (await self.foundation.intake.accept(request)).workflow.adw_id

    async def completed(self, adw_id: str, *, timeout_s: float = 180.0, wanted: Status = Status.COMPLETED) -> Workflow:
        """Waits until it is completed, or as is wanted. Raises RuntimeError for any other end."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            workflow = await self.workflow(adw_id)
            if workflow.status in _ENDED:
                break
            await asyncio.sleep(LOOK_S)
        else:
            raise RuntimeError(f"workflow {adw_id} did not end within {timeout_s:g} s")
        if workflow.status is not wanted:
            raise RuntimeError(f"workflow {adw_id} is {workflow.status}: {workflow.failure}")
        return workflow

    async def workflow(self, adw_id: str) -> Workflow:
        async with self.foundation.database.read() as connection:
            found = await get_workflow(connection, adw_id)
        if found is None:
            raise RuntimeError(f"there is no workflow {adw_id}")
        return found

    async def events(self, adw_id: str) -> list[Event]:
        async with self.foundation.database.read() as connection:
            return await get_workflow_events(connection, adw_id)

    async def event(self, adw_id: str, wanted: Callable[[Event], bool], *, timeout_s: float = 60.0) -> Event:
        """The first event that is wanted, once it is there."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for event in await self.events(adw_id):
                if wanted(event):
                    return event
            await asyncio.sleep(LOOK_S)
        raise RuntimeError(f"workflow {adw_id} did not get as far as was waited for")


@asynccontextmanager
async def open_stage(
    root: Path, script: Scenario, *, settings_of_project: str = "", **variables: str
) -> AsyncGenerator[Stage]:
    """Sets everything up below `root` and ends it again. `variables` are further ones of all processes of ours."""
    repo = root / "sample"
    write_sample(repo, extra=settings_of_project)
    async with serve_scripted_model(script) as model:
        env = environment(root / "data", model_url=model.url) | variables
        settings = read_settings(env)
        with migrated_database(settings) as running:
            async with open_foundation(settings, url=running.url, environ=env) as foundation:
                yield Stage(root=root, repo=repo, env=env, foundation=foundation, model=model)


def postgres_of(data_dir: Path) -> list[psutil.Process]:
    """The processes of the embedded database."""
    pid = EmbeddedPostgres(data_dir=data_dir).status().pid
    return [] if pid is None else tree(pid)


def environment(data_dir: Path, *, model_url: str = "http://127.0.0.1:9") -> dict[str, str]:
    """This process's environment without any setting or credential, and with those of the measurement."""
    kept = {
        name: value for name, value in os.environ.items() if name not in OUR_NAMES and not name.startswith(OUR_PREFIXES)
    }
    ours = {"ADW_DATA_DIR": str(data_dir), "ANTHROPIC_BASE_URL": model_url, "ANTHROPIC_API_KEY": "sk-ant-bench"}
    return kept | ours


def write_sample(folder: Path, *, extra: str = "", more_files: int = 0) -> None:
    """A repository that needs no installation and whose check takes no time; `more_files` of 4 kB, 50 a folder."""
    folder.mkdir(parents=True)
    (folder / "adw.toml").write_text(_CONFIG + extra)
    for number in range(more_files):
        path = folder / f"area_{number // 50}" / f"module_{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Line of module {number}.\n" * 180)
    (folder / "check.sh").write_text(_CHECK)
    for number in range(FILES):
        (folder / f"part_{number}.txt").write_text(f"This is part {number}.\n" * 20)
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Begin")):
        git(folder, *words)


def begin_anew(folder: Path) -> None:
    """Another commit on the base branch, for which nothing is known yet."""
    git(folder, "commit", "-q", "--allow-empty", "-m", "Go on")


def git(folder: Path, *words: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *words], env={**os.environ, **own}, check=True, capture_output=True)


WORKER = (sys.executable, "-P", "-m", "adw.cli.main", "worker")


def watched_worker(notes: Path) -> Sequence[str]:
    """The same worker, which also notes when its steps and the programs it starts begin and end."""
    return (sys.executable, "-m", "benchmarks.watched_worker", str(notes))


@contextmanager
def worker(stage: Stage, command: Sequence[str] = WORKER) -> Generator[subprocess.Popen[bytes]]:
    """A ready worker, ended at the end of the block unless it was killed before."""
    process, _ = start_worker(stage, command)
    try:
        yield process
    finally:
        end(process)


def start_worker(stage: Stage, command: Sequence[str] = WORKER) -> tuple[subprocess.Popen[bytes], float]:
    """Starts a worker; returns it and the seconds until it was ready."""
    log = stage.root / f"worker-{time.monotonic_ns()}.log"
    started = time.monotonic()
    process = spawn(command, env=stage.env, log=log)
    wait_for(lambda: "worker_ready" in log.read_text(errors="replace"), process, log)
    return process, time.monotonic() - started


def spawn(command: Sequence[str], *, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def wait_for(
    condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, look_s: float = 0.01
) -> None:
    """Raises RuntimeError, with what the process said, when it ends or takes too long."""
    deadline = time.monotonic() + READY_S
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            end(process)
            raise RuntimeError(f"{process.args} did not become ready: {log.read_text(errors='replace')[-1000:]}")
        time.sleep(look_s)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
