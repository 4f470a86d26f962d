"""One PostgreSQL, one scripted model and one forge of workers for the session; one database for each test."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.measuring import is_measuring

from adw.engine.dbos_engine import prepare_schema
from adw.kit.postgres import EmbeddedPostgres
from adw.store.db import driver_url
from adw.store.migrations import migrate

sys.path.append(str(Path(__file__).parent))
from harness import Model, Nursery, Scene
from repositories import make_repository

HERE = Path(__file__).parent
MEMORY = Path("/dev/shm")
SHARED = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "uncontained: agents or commands of this test leave signs outside their tree")
    config.addinivalue_line("markers", "runtime(name): what holds conversations with agents in this system test")


class Cluster:
    """A server with a template that was brought to shape once."""

    def __init__(self, folder):
        self._embedded = EmbeddedPostgres(data_dir=folder)
        self._url = make_url(driver_url(self._embedded.start()))
        self._execute("CREATE DATABASE template_system")
        migrate(self._named("template_system"))
        asyncio.run(prepare_schema(self._named("template_system")))

    def make_database(self):
        name = f"t{uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template_system")
        return self._named(name)

    def close(self):
        self._embedded.close()

    def _named(self, name):
        return self._url.set(database=name).render_as_string(hide_password=False).replace("+psycopg", "")

    def _execute(self, statement):
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def make_folder():
    """In memory where there is some; as root the server runs as another user, who must get through."""
    folder = Path(tempfile.mkdtemp(prefix="sys", dir=MEMORY if MEMORY.is_dir() else None))
    folder.chmod(0o711)
    return folder


@pytest.fixture(scope="session")
def cluster():
    folder = make_folder()
    cluster = Cluster(folder)
    yield cluster
    cluster.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def nursery():
    nursery = Nursery(measured=False)
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def the_model():
    model = Model()
    yield model
    model.close()


@pytest.fixture
def folder():
    """A short path, in memory: sockets have to fit and thousands of small files are written."""
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def runtime(request):
    """What holds conversations with agents: a module, or a test, that is not about the real CLI may say `plain`."""
    mark = request.node.get_closest_marker("runtime")
    return mark.args[0] if mark else "claude"


@pytest.fixture
def containment(request):
    """Agents and commands are contained, as they are for people, unless a test needs to hear from them outside."""
    return "off" if request.node.get_closest_marker("uncontained") else "auto"


@pytest.fixture
async def scene(folder, nursery, the_model, cluster, runtime, containment):
    """A system of its own for tests that kill, without any worker yet."""
    url = cluster.make_database()
    chosen = {"ADW_AGENT_RUNTIME": runtime, "ADW_SANDBOX": containment}
    async with Scene(folder, url=url, model=the_model, nursery=nursery, **chosen).opened() as scene:
        yield scene


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """An idle worker costs time, too: while other suites are tested there is none."""
    shared = item.config.stash.get(SHARED, None)
    if shared is not None and (nextitem is None or HERE not in nextitem.path.parents):
        shared.rest()


@pytest.fixture(scope="session")
def shared(nursery, the_model, cluster, pytestconfig):
    """Systems for tests that leave their worker alone, by runtime and containment."""
    with ExitStack() as stack:
        if is_measuring():
            nursery = stack.enter_context(contextlib.closing(Nursery(measured=True)))
        shared = pytestconfig.stash[SHARED] = Shared(stack, nursery=nursery, model=the_model, cluster=cluster)
        stack.callback(shared.rest)
        yield shared


class Shared:
    """Each is made when it is first asked for. Only the latest has its impatient worker: idle ones cost time too."""

    def __init__(self, stack, *, nursery, model, cluster):
        self._stack = stack
        self._scenes = {}
        self._chosen = None
        self._worker = None
        self._make = lambda folder, chosen: Scene(
            folder,
            url=cluster.make_database(),
            model=model,
            nursery=nursery,
            ADW_AGENT_RUNTIME=chosen[0],
            ADW_SANDBOX=chosen[1],
        )

    def at_work(self, chosen):
        if chosen != self._chosen:
            self.rest()
            self._worker = self._scene(chosen).fork_worker(impatient=True)
            self._chosen = chosen
        return self._scenes[chosen]

    def rest(self):
        if self._worker is not None:
            self._worker.stop()
        self._worker = self._chosen = None

    def _scene(self, chosen):
        if chosen not in self._scenes:
            folder = make_folder()
            self._stack.callback(shutil.rmtree, folder)
            self._scenes[chosen] = self._make(folder, chosen)
        return self._scenes[chosen]


@pytest.fixture
async def system(shared, folder, runtime, containment):
    """The shared system, opened for one test."""
    kept = shared.at_work((runtime, containment))
    ours = Scene(kept.folder, url=kept.url, model=kept.model, nursery=None)
    async with ours.opened():
        yield ours
        await ours.leave_nothing_moving()


@pytest.fixture
def repository(folder):
    return make_repository(folder / "sample")
