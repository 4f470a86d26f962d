"""One cell of the matrix: a workflow is brought to a point, a fault strikes, and what comes of it is judged."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

import psutil
from harness import Scene, WorkerProcess
from repositories import SETTINGS, git, make_repository
from sqlalchemy import make_url
from tests.matrix.faults import FAULTS, LEASE_S, small_disk
from tests.matrix.points import INSIDE, PUSH, STREAM, TESTS, TOOL, files, script
from tests.matrix.proxy import Proxy
from tests.system.conftest import make_folder

from adw.control.cleanup import cleanup
from adw.kit.errors import AdwError, DatabaseError
from adw.kit.postgres import EmbeddedPostgres
from adw.kit.process import host_identity
from adw.store.leases import list_leases

REACH_S, END_S = 120.0, 150.0
HELD_PUSH = "before build.*.push.build/push"
ZTE = SETTINGS + "\n[triggers]\nzte = true\n"
ROOM = {"ADW_MIN_FREE_DISK_MB": "1", "ADW_MIN_FREE_MEMORY_MB": "1"}
ONCE = ("workflow_created", "workflow_started", "pull_request_opened", "pull_request_merged", "workflow_completed")


@dataclass(kw_only=True)
class Result:
    """`duplicated` and `lost` are sentences; a good cell has none."""

    point: str
    fault: str
    outcome: str = "not reached"
    duplicated: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    recovery_s: float | None = None
    took_s: float = 0.0
    retries: int = 0
    log: str = ""

    @property
    def is_good(self):
        good = self.outcome in {"completed", "completed after a retry"} or self.outcome.startswith("skipped")
        return good and not (self.duplicated or self.lost or self.left)

    def as_json(self):
        return asdict(self) | {"good": self.is_good}


class Cell:
    """What a fault may reach for: the worker, its agents, the database, the remote, the disk."""

    def __init__(self, scene, point, fault, *, random):
        self.scene, self.point, self.random = scene, point, random
        self.folder, self.data = scene.folder, scene.folder / "data"
        self.result = Result(point=point, fault=fault)
        self.proxy = self.postgres = None

    async def run(self):
        scene, began = self.scene, time.monotonic()
        scene.model.follow(script(self.point))
        repository = make_repository(self.folder / "sample", {"adw.toml": ZTE, **files(self.point)})
        accepted = await scene.accept(repository, "zte")
        self.remote = scene.foundation.paths.forge_remote(accepted.project_id)
        self.worker = await self._fork(self._first_url)
        try:
            await self._reached()
            struck = time.monotonic()
            before = len(await scene.events(accepted.adw_id))
            watching = asyncio.create_task(self._recovered(accepted.adw_id, before, struck))
            if self.point == PUSH:
                self.go()
                await asyncio.sleep(self.random.uniform(0, 0.02))
            await FAULTS[self.result.fault](self)
            await self._ended(accepted.adw_id)
            watching.cancel()
            await self._judge(repository, await scene.workflow(accepted.adw_id))
        except AssertionError as error:
            self.result.outcome = f"{self.result.outcome}: {str(error).splitlines()[0]}"
        self.result.took_s = round(time.monotonic() - began, 1)
        if not self.result.is_good:
            self.result.log = scene.told()[-6000:]
        return self.result

    def go(self):
        (self.folder / "go").touch()
        for place in self.data.glob("trees/*/build"):
            with contextlib.suppress(OSError):  # a disk that is full
                (place / "go").touch()

    def agent_processes(self):
        found = [process for process in self.scene.survivors() if "--output-format" in words_of(process)]
        return [each for each in found if "supervisor" not in " ".join(words_of(each)) and name_of(each) != "bwrap"]

    def _survivors(self):
        """Without the database that belongs to the cell."""
        found = {process: name_of(process) for process in self.scene.survivors()}
        return [process for process, name in found.items() if name is not None and not name.startswith("postgres")]

    async def replace_worker(self):
        await self._fork(self.scene.url)

    async def _fork(self, url):
        scene = self.scene
        log = self.folder / f"worker-{len(scene.workers)}.log"
        held = HELD_PUSH if self.point == PUSH else self.point
        order = {
            "env": scene.env | {"DATABASE_URL": url},
            "log": str(log),
            "death": None,
            "impatient": True,
            "engine": {"lease_s": LEASE_S, "beat_s": 0.5, "poll_s": 0.1},
        }
        if self.point not in {STREAM, TOOL, TESTS} and not scene.workers:
            order |= {"hold": held, "folder": str(self.folder)}
        worker = WorkerProcess(scene._nursery.fork(order), log)
        scene.workers.append(worker)
        return worker

    @property
    def _first_url(self):
        if self.proxy is None:
            return self.scene.url
        url = make_url(self.scene.url)
        there = url.set(host="127.0.0.1", port=self.proxy.port, query={})
        return there.render_as_string(hide_password=False)

    async def _reached(self):
        self.result.outcome = "the point was not reached"
        await self.scene.eventually(self._is_there, "the point is reached", timeout_s=REACH_S)
        self.result.outcome = "stuck"

    def _is_there(self):
        if self.point == STREAM:
            return len(self.scene.model.asked("implementor")) > 1
        return (self.folder / "reached").exists() or any(self.data.glob("trees/*/build/reached"))

    async def _recovered(self, adw_id, before, struck):
        """Seconds until something new happened to the work."""
        while True:
            with contextlib.suppress(DatabaseError):
                events = (await self.scene.events(adw_id))[before:]
                if any(e.type not in {"worker_lost", "workflow_recovered"} for e in events):
                    self.result.recovery_s = round(time.monotonic() - struck, 2)
                    return
            await asyncio.sleep(0.05)

    async def _ended(self, adw_id):
        """A person retries once what failed because of the fault."""
        while True:
            workflow = await self._settled(adw_id)
            if workflow.status == "completed" or self.result.retries:
                break
            self.result.retries += 1
            self.result.log = f"failed first: {workflow.failure}"
            try:
                await self.scene.control.retry(adw_id, actor="person")
            except AdwError as error:
                self.result.lost.append(f"it cannot be retried: {error.message}")
                break
        words = {0: str(workflow.status), 1: f"{workflow.status} after a retry"}
        self.result.outcome = words[self.result.retries]
        if workflow.status != "completed":
            self.result.outcome += f": {workflow.failure}"

    async def _settled(self, adw_id):
        async def settled():
            with contextlib.suppress(DatabaseError):
                found = await self.scene.workflow(adw_id)
                return found if found.status in {"completed", "failed", "waiting", "cancelled"} else None

        return await self.scene.eventually(settled, "the workflow ends", timeout_s=END_S)

    async def _judge(self, repository, workflow):
        scene, result = self.scene, self.result
        events = await scene.events(workflow.adw_id)
        if [event.seq for event in events] != list(range(1, len(events) + 1)):
            result.lost.append("events are missing")
        counted = Counter(str(event.type) for event in events)
        allowed = {"workflow_started": 1 + result.retries}
        result.duplicated += [f"{counted[name]} x {name}" for name in ONCE if counted[name] > allowed.get(name, 1)]
        result.lost += [f"no {name}" for name in ONCE if not counted[name]]
        await self._judge_forge(repository, workflow)
        begun = {role: scene.model.conversations(role) for role in ("classifier", "planner", "implementor")}
        if not result.retries:
            result.duplicated += [f"{count} conversations of the {role}" for role, count in begun.items() if count > 1]
        await self._judge_rest(workflow)

    async def _judge_forge(self, repository, workflow):
        result, forge = self.result, await self.scene.forge(workflow)
        pulls = await forge.list_pull_requests(state="all")
        if [pull.state for pull in pulls] != ["merged"]:
            (result.duplicated if len(pulls) > 1 else result.lost).append(f"pull requests: {[p.state for p in pulls]}")
        said = [c.body.partition("\n")[0] for c in await forge.list_comments(workflow.issue_number)]
        result.duplicated += [f"{count} x comment {body!r}" for body, count in Counter(said).items() if count > 1]
        main = git(repository, "log", "--format=%s", "main").splitlines()
        if main != ["Say farewell (#2)", "Greet people"]:
            (result.duplicated if len(main) > 2 else result.lost).append(f"main is {main}")
        elif "farewell.txt" not in git(repository, "ls-tree", "--name-only", "main"):
            result.lost.append("farewell.txt is not on main")

    async def _judge_rest(self, workflow):
        scene, result = self.scene, self.result
        with contextlib.suppress(AdwError):
            await cleanup(scene.foundation.database, scene.foundation.workspaces, host=host_identity(), dry_run=False)
        for worker in scene.workers:
            await asyncio.to_thread(worker.kill)
        with contextlib.suppress(AssertionError):
            await scene.eventually(lambda: not self._survivors(), "nothing survives", timeout_s=5)
        result.left += [f"process {' '.join(words_of(each))[:120]}" for each in self._survivors()]
        async with scene.foundation.database.read() as connection:
            result.left += [f"port of {row['adw_id']}" for row in await list_leases(connection)]
        trees = self.data / "trees"
        result.left += [f"tree {p.name}" for p in trees.iterdir() if p.is_dir() and p.name == workflow.adw_id]
        refs = git(self.remote, "for-each-ref", "--format=%(refname)").splitlines()
        kept = "refs/adw/published/"  # what was shown to people is remembered in every course
        result.left += [f"ref {ref}" for ref in refs if workflow.adw_id in ref and not ref.startswith(kept)]


def name_of(process):
    """None for a process that is gone by now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name()
    return None


def words_of(process):
    """Its command line; nothing for a process that is gone by now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


async def run_cell(point, fault, *, cluster, nursery, model, runtime, random):
    """A system of its own for one cell; nothing of it is there afterwards."""
    folder = make_folder()
    (folder / "data").mkdir(mode=0o711)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        if fault == "disk-full":
            stack.enter_context(small_disk(folder / "data"))
        postgres = None
        if fault in {"kill-database", "cut-database"}:
            (folder / "pg").mkdir(mode=0o711)
            postgres = EmbeddedPostgres(data_dir=folder / "pg")
            stack.callback(postgres.close)
            url = postgres.start()
            await prepare(url)
        else:
            url = cluster.make_database()
        scene = Scene(folder, url=url, model=model, nursery=nursery, ADW_AGENT_RUNTIME=runtime, **ROOM)
        await stack.enter_async_context(scene.opened())
        cell = Cell(scene, point, fault, random=random)
        cell.postgres = postgres
        if fault == "cut-database":
            query = make_url(url).query
            cell.proxy = await stack.enter_async_context(Proxy(f"{query['host']}/.s.PGSQL.{query['port']}"))
        return await cell.run()


async def prepare(url):
    from adw.engine.dbos_engine import prepare_schema
    from adw.store.migrations import migrate

    await asyncio.to_thread(migrate, url)
    await prepare_schema(url)


__all__ = ["INSIDE", "Cell", "Result", "run_cell"]
