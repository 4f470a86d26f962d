"""Takes a course with workers that die at every boundary, and tells what came of it in words that can be compared."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

from deaths import plain
from harness import WorkerProcess
from repositories import git, make_repository
from sqlalchemy import text

from adw.control.cleanup import cleanup
from adw.kit.process import host_identity
from adw.store import phases
from adw.store.leases import list_leases

AT_REST = frozenset({"completed", "failed", "waiting", "cancelled"})
_LOOK_S = 0.03
_SHA = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}\b")
_REPEATABLE = frozenset({"worker_lost", "workflow_recovered", "phase_progress"})
"""Events a death may add: of itself, and of progress, which a repeated step tells again."""
_WHERE = "working in "
"""Likewise: the place is told whenever it is prepared."""


class Attempt:
    """One workflow of a course and the repository it works in."""

    def __init__(self, course, repository, adw_id):
        self.repository = repository
        self.adw_id = adw_id
        self.acts = list(course.acts)
        self.legs = 1

    async def moves_on(self, scene):
        """Lets a person do what is due. False when there is nothing more."""
        if not self.acts:
            return False
        await self.acts.pop(0)(scene, await scene.workflow(self.adw_id), self.repository)
        self.legs += 1
        return True


async def attempt(scene, course, name):
    repository = make_repository(scene.folder / f"{course.name} {name}".replace(" ", "-"), course.files)
    accepted = await scene.accept(repository, course.kind, options=course.options)
    return Attempt(course, repository, accepted.adw_id)


async def undisturbed(scene, course):
    """What comes of the course when nobody dies."""
    worker = scene.fork_worker(impatient=True)
    tried = await attempt(scene, course, "undisturbed")
    await scene.settled(tried.adw_id)
    while await tried.moves_on(scene):
        await scene.settled(tried.adw_id)
    await scene.eventually(lambda: _left(scene, [tried.adw_id]), "its run is over")
    found = await outcome(scene, tried)
    worker.kill()
    return found


class Trail:
    """What the workers of a course wrote into their ledger."""

    def __init__(self, file):
        self.file = file
        self._left, self._read = set(), 0

    def lines(self, word):
        said = self.file.read_text().splitlines() if self.file.exists() else []
        return [line.removeprefix(f"{word} ") for line in said if line.startswith(f"{word} ")]

    def left(self):
        """The legs that came to their end; asked so often that only what is new is read."""
        with self.file.open() as file:
            file.seek(self._read)
            new = file.read().rpartition("\n")[0]
        self._read += len(new.encode())
        self._left.update(line.removeprefix("left ") for line in new.splitlines() if line.startswith("left "))
        return self._left


async def disturbed(scene, course, *, had):
    """Takes the course in several copies at once, with one worker after the other; gives these and their trail.

    `had` are the moments that had their death already.
    """
    trail = Trail(scene.folder / f"{course.name}.ledger".replace(" ", "-"))
    trail.file.write_text("".join(f"died {name}\n" for name in sorted(had)))
    tries = [await attempt(scene, course, f"copy-{number}") for number in range(course.copies)]
    order = {"flows": [each.adw_id for each in tries], "ledger": str(trail.file), "death": None, "impatient": True}
    workers = 0
    try:
        async with asyncio.timeout(300):
            while not await _over(scene, tries, trail):
                if not (scene.workers and scene.workers[-1].alive):
                    log = scene.folder / f"{trail.file.stem}-{workers}.log"
                    pid = scene._nursery.fork({"env": scene.env, "log": str(log), **order})
                    scene.workers[:] = [WorkerProcess(pid, log)]
                    workers += 1
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise AssertionError(f"{course.name}: not in time\n{trail.file.read_text()[-800:]}\n{scene.told()}") from None
    scene.workers[-1].kill()
    return tries, trail, workers - 1


async def _over(scene, tries, trail):
    left = Counter(run.partition(".")[0] for run in trail.left())
    going = [each for each in tries if left[each.adw_id] < each.legs]
    for each in tries:
        if each not in going and (await scene.workflow(each.adw_id)).status in AT_REST and await each.moves_on(scene):
            going.append(each)
    return not going


async def _left(scene, ids):
    query = text("SELECT count(*) FROM dbos.workflow_status WHERE status IN ('PENDING', 'ENQUEUED')")
    async with scene.foundation.database.read() as connection:
        return not (await connection.execute(query)).scalar_one()


async def outcome(scene, tried):
    """Everything a person, the forge, the remote and the database have of it, without what differs by chance.

    The clean-up that workers make from time to time comes first: a leg that is replayed after it gave its worktree
    back prepares it once more, and has no step left that would remove it.
    """
    events = await scene.events(tried.adw_id)
    await cleanup(scene.foundation.database, scene.foundation.workspaces, host=host_identity(), dry_run=False)
    workflow = await scene.workflow(tried.adw_id)
    forge = await scene.forge(workflow)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    remote = scene.foundation.paths.forge_remote(workflow.project_id)
    root = scene.foundation.paths.root
    numbers = {number for number in (workflow.issue_number, workflow.pr_number) if number is not None}
    async with scene.foundation.database.read() as connection:
        evidence = await phases.list_evidence(connection, tried.adw_id)
        leases = [lease for lease in await list_leases(connection) if str(lease["adw_id"]) == tried.adw_id]
        named = text("SELECT function_name FROM dbos.operation_outputs WHERE workflow_uuid LIKE :id ORDER BY 1")
        steps = [row[0] for row in await connection.execute(named, {"id": f"{tried.adw_id}%"})]
    found = {
        "workflow": [str(workflow.status), workflow.phase, workflow.pr_state, workflow.leg, workflow.worktree_exists],
        "failure": str(workflow.failure),
        "events": sorted(f"{e.type} {e.phase}" for e in events if not _may_repeat(e)),
        "conversations": Counter(f"{each.agent_name} {each.success}" for each in await scene.agents(tried.adw_id)),
        "phases": [f"{r.phase} {r.attempt} {r.status}" for r in await scene.phases(tried.adw_id)],
        "evidence": [f"{r.phase} {r.evidence.gate} {r.evidence.outcome} {r.superseded}" for r in evidence],
        "issue": str((await forge.get_issue(workflow.issue_number)).state),
        "comments": [f"{n} {c.body}" for n in sorted(numbers) for c in await forge.list_comments(n)],
        "pulls": [f"{p.number} {p.state} {p.title} {p.body}" for p in await forge.list_pull_requests(state="all")],
        "commits": [sorted(git(remote, "log", "--format=%s", each).splitlines()) for each in _branches(remote)],
        "files": [git(remote, "ls-tree", "-r", branch).splitlines() for branch in _branches(remote)],
        "in the repository": git(tried.repository, "for-each-ref", "--format=%(refname)").splitlines(),
        "on the remote": git(remote, "for-each-ref", "--format=%(refname)").splitlines(),
        "ports": len(leases),
        "places": sorted(str(p.relative_to(root)) for p in root.glob(f"*/*{tried.adw_id}*")),
        "steps": sorted({plain(name) for name in steps}),
    }
    return {name: _leveled(value, tried) for name, value in found.items()}


def differences(expected, found):
    """What is missing and what is too much, by name; empty when both are the same."""
    told = {}
    for name, value in expected.items():
        if isinstance(value, list) and found[name] != value:
            before, after = Counter(map(str, value)), Counter(map(str, found[name]))
            told[name] = [list(each.elements()) for each in (before - after, after - before)]
        elif found[name] != value:
            told[name] = (value, found[name])
    return told


def _may_repeat(event):
    if (event.type, event.phase) == ("workflow_updated", None):
        return True  # the clean-up tells what it removed
    return event.type in _REPEATABLE or event.type.startswith("agent_") or event.message.startswith(_WHERE)


def _branches(remote):
    return git(remote, "for-each-ref", "--format=%(refname)", "refs/heads").splitlines()


def _leveled(value, tried):
    if isinstance(value, str):
        return _SHA.sub("SHA", value.replace(tried.adw_id, "ADW-ID"))
    if isinstance(value, dict):
        return {_leveled(each, tried): count for each, count in value.items()}
    if isinstance(value, list):
        return [_leveled(each, tried) for each in value]
    return value
