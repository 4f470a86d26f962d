"""What died half-way is set right, and what is under way is left alone."""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.kit.settings import read_settings
from adw.ports.engine import RunStatus
from adw.store.events import get_workflow_events
from adw.store.results import intend_effect
from adw.store.workflows import begin_leg, require_workflow, transition
from adw.wiring.foundation import open_foundation
from adw.worker.effects import settle_effects
from adw.worker.reconciler import Reconciler


class Engine:
    """Says of every run what it was told to say, and remembers what is queued."""

    def __init__(self, status):
        self._status = status
        self.queued = []

    async def status(self, _run_id):
        return self._status

    async def enqueue(self, _connection, *, run_id, **_rest):
        self.queued.append(run_id)

    async def purge(self, **_when):
        return 0


@pytest.fixture
async def foundation(database_url):
    folder = Path(tempfile.mkdtemp(prefix="adw-rec"))
    settings = read_settings({"HOME": str(folder)}, data_dir=folder / "data")
    async with open_foundation(settings, url=database_url) as opened:
        yield opened
    shutil.rmtree(folder)


@pytest.fixture
def active(database, make_workflow):
    async def make():
        workflow = await make_workflow()
        started = NewEvent(type=EventType.WORKFLOW_STARTED, message="started")
        async with database.begin() as connection:
            await transition(connection, workflow.adw_id, to=Status.ACTIVE, event=started)
            await begin_leg(connection, workflow.adw_id)
        return workflow.adw_id

    return make


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, None])
async def test_an_active_workflow_whose_run_is_over_goes_on_with_a_new_one(foundation, active, status):
    adw_id, engine = await active(), Engine(status)

    await Reconciler(foundation, engine, stranded_after=timedelta(0)).revive_stranded()

    assert engine.queued == [f"{adw_id}.2"]
    async with foundation.database.read() as connection:
        assert (await get_workflow_events(connection, adw_id))[-1].type is EventType.WORKFLOW_RECOVERED
        assert (await require_workflow(connection, adw_id)).owner_id is None


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.ACTIVE])
async def test_a_run_under_way_is_left_alone(foundation, active, status):
    await active()
    engine = Engine(status)

    await Reconciler(foundation, engine, stranded_after=timedelta(0)).revive_stranded()

    assert engine.queued == []


async def test_a_workflow_that_moved_just_now_is_left_alone(foundation, active):
    await active()
    engine = Engine(None)

    await Reconciler(foundation, engine, stranded_after=timedelta(hours=1)).revive_stranded()

    assert engine.queued == []


async def test_reports_of_a_workspace_that_is_gone_are_removed_and_those_of_an_active_workflow_kept(foundation, active):
    kept = foundation.work_dir / await active()
    gone = foundation.work_dir / "0badcafe"
    for folder in (kept, gone):
        folder.mkdir(parents=True)

    await Reconciler(foundation, Engine(RunStatus.ACTIVE)).clean_up()

    assert kept.is_dir()
    assert not gone.exists()


class Forge:
    """Knows one pull request, by its branch."""

    async def find_pull_request(self, head):
        return SimpleNamespace(number=7) if head == "there" else None


@pytest.mark.parametrize(
    ("branch", "result"), [("there", {"number": 7}), ("gone", {"happened": False}), (None, {"happened": False})]
)
async def test_an_effect_nobody_confirmed_is_looked_up_once_its_workflow_has_ended(
    database, make_workflow, branch, result
):
    workflow = await make_workflow(branch_name=branch)
    key = f"{workflow.adw_id}:pull_request"
    async with database.begin() as connection:
        await intend_effect(connection, key=key, adw_id=workflow.adw_id, kind="pull_request")
    assert await settle_effects(database, lambda _: Forge()) == 0
    async with database.begin() as connection:
        cancelled = NewEvent(type=EventType.WORKFLOW_CANCELLED)
        await transition(connection, workflow.adw_id, to=Status.CANCELLED, event=cancelled)
    assert await settle_effects(database, lambda _: Forge()) == 1
    assert await settle_effects(database, lambda _: Forge()) == 0
    async with database.begin() as connection:
        known = await intend_effect(connection, key=key, adw_id=workflow.adw_id, kind="pull_request")
    assert known == result
