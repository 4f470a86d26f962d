"""A workflow with a past, and the parts of the system that steering reaches for, played."""

from __future__ import annotations

from pathlib import Path

from adw.domain.events import EventType, NewEvent
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.status import Status, WaitReason
from adw.ports.workspace import RepositoryRef
from adw.store import phases
from adw.store.orders import open_order
from adw.store.results import save_artifact
from adw.store.workflows import begin_leg, require_workflow, transition

BASE, PLAN, BUILT = "b" * 40, "1" * 40, "2" * 40


class Access:
    """The part of `adw.ports.projects.ProjectAccess` that steering uses."""

    def __init__(self):
        self.tips = ()
        self.branches = {}
        self.refuses = None

    def repository(self, project):
        return RepositoryRef(project_id=project.id, source=Path("/srv/tally"), remote=Path("/srv/remote"))

    async def read_committed(self, _project, **_):
        return b'[workflows.quick]\nphases = ["plan", "build"]\n'

    async def foreign_tips(self, _project, **_):
        return self.tips

    async def start_branch(self, _project, *, branch, sha):
        if self.refuses:
            raise self.refuses
        self.branches[branch] = sha

    async def diff_between(self, _project, *, before, after):
        return f"{before}..{after}"


class Workspaces:
    def __init__(self, root):
        self.root = root
        self.specs = []

    async def prepare(self, spec):
        self.specs.append(spec)
        return self

    @property
    def path(self):
        return self.root / "tree"


WAYS = {
    Status.QUEUED: (),
    Status.ACTIVE: (Status.ACTIVE,),
    Status.WAITING: (Status.ACTIVE, Status.WAITING),
    Status.PAUSED: (Status.ACTIVE, Status.PAUSED),
    Status.COMPLETED: (Status.ACTIVE, Status.COMPLETED),
    Status.FAILED: (Status.ACTIVE, Status.FAILED),
    Status.CANCELLED: (Status.CANCELLED,),
}
COMMITS = {"plan": (None, PLAN), "build": (PLAN, BUILT), "test": (BUILT, BUILT)}


async def past(connection, adw_id, names):
    for name in names:
        before, after = COMMITS[name]
        await phases.start_phase(connection, adw_id=adw_id, phase=name, attempt=1, commit_before=before)
        await phases.end_phase(
            connection,
            adw_id=adw_id,
            phase=name,
            attempt=1,
            status=PhaseStatus.COMPLETED,
            commit_after=after,
            data={"head": after},
        )
        found = Evidence(
            gate=name, outcome=GateOutcome.PASSED, commit=after, summary="good", data={"report": f"{name}.json"}
        )
        await phases.record_evidence(connection, adw_id=adw_id, phase=name, attempt=1, found=found)
        await save_artifact(connection, adw_id=adw_id, name=f"{name}.json", media_type="x/y", content=b"{}")


async def move(connection, adw_id, step):
    values = {}
    if step is Status.ACTIVE:
        await begin_leg(connection, adw_id)
    if step is Status.WAITING:
        values = {"wait_reason": WaitReason.APPROVAL.value}
    if step is Status.PAUSED:
        values = {"paused_from": Status.ACTIVE.value}
    event = NewEvent(type=EventType.WORKFLOW_UPDATED, message=step)
    await transition(connection, adw_id, to=step, event=event, changes=values)


async def now(database, adw_id):
    async with database.read() as connection:
        return await require_workflow(connection, adw_id)


async def rows(database, adw_id):
    async with database.read() as connection:
        found = await phases.list_phases(connection, adw_id)
    return [(row.phase, row.attempt, row.status.value) for row in found]


async def ordered(database, adw_id, kind):
    async with database.read() as connection:
        found = await open_order(connection, adw_id, kind)
    return None if found is None else found.data
