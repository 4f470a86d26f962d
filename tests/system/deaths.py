"""Workers that die at every boundary, each the first time it is reached: nothing has to be listed to be killed at.

A boundary lies right before something outside the process changes: a step's record, a transaction's commit, an effect
on the forge, on git or in a project's command, a commit to the database inside a step. What lies between two changes
is one moment to whoever comes after, since all else was in the memory that is gone. A moment bears every name it was
reached by (`recorded` of one step, `before` of the next), and a ledger on disk knows which names had their death.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from zlib import crc32

READS = frozenset(
    {
        # forge
        "get_issue", "list_issues", "list_comments", "get_pull_request", "list_pull_requests", "find_pull_request",
        "list_reviews", "find_merge_on_base", "list_checks", "check_log", "branch_rules", "branch_head", "list_threads",
        "ourselves", "permission_of",
        # workspaces and their access
        "head", "status", "changed_files", "diff", "diff_stat", "read_committed", "resolve_base", "list",
        "list_committed", "branch_tip", "diff_between", "find_remote", "conflicts",
    }
)  # fmt: skip
"""Calls that change nothing. Whatever else the ports offer counts as an effect, a call that is new to them as well."""

PARTS = frozenset({"prepare", "open", "prepare_detached"})
"""Effects that give a workspace, which has effects of its own."""

PATIENCE_S = 2.0
"""How long a workflow stands at its moment for the others of its worker to come to theirs."""

BETWEEN = "between"
_OURS = re.compile(r"/src/adw/workflows/(.+)\.py$")
_VARIES = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{12}\b")

_ATTEMPT = re.compile(r"(?<=[a-z])\.[0-9]+\.")
_OWN = re.compile(r"(?<![\w.])(?:ask|translate)(?=\.)")

_flow = contextvars.ContextVar("flow")
_step = contextvars.ContextVar("step", default=BETWEEN)


def plain(name):
    """A step's name without commits, which are in the names of gates, and without the attempt at its phase.

    Phases of a repository that are done by an agent all do the same.
    """
    return _OWN.sub("own", _ATTEMPT.sub(".*.", _VARIES.sub("*", name), count=1))


class Ledger:
    """What had its death, in a file that every worker of a course appends to.

    Several workflows share the worker and the deaths: each stands still at a moment of its own, and once all do, the
    process is gone. The moments are dealt out among them, so that together they die at each. With `spare` nobody dies:
    the moments are only told.
    """

    def __init__(self, file, *, flows, spare=False):
        self._file = Path(file)
        self._spares = spare
        self._flows = list(flows)
        self.had, self._sites, self._away = set(), set(), set()
        for line in self._file.read_text().splitlines() if self._file.exists() else ():
            self._read(*line.split(" ", 1))
        self._standing = {}

    def _read(self, word, rest):
        if word == "died":
            self.had.add(rest)
        elif word == "site":
            self._sites.add(rest)
        elif word == "left":
            self._away.add(rest.partition(".")[0])

    def fresh(self, adw_id, names):
        """The names that have had no death, if it is for this workflow to die at the moment that began so."""
        if not names or self._flows[crc32(names[0].encode()) % len(self._flows)] != adw_id:
            return []
        return [name for name in names if name not in self.had]

    def is_ours(self, adw_id):
        return adw_id in self._flows

    async def stand(self, adw_id, names):
        """The end of this process, as soon as every workflow stands at a moment or has nothing to do."""
        if self._spares:
            self.had.update(names)
            self.note(f"came to {names[-1]}")
            return
        self._standing.setdefault(adw_id, set()).update(names)
        self._look_around()
        await asyncio.sleep(PATIENCE_S)
        self._die()

    def came(self, adw_id):
        self._away.discard(adw_id)

    def left(self, adw_id, run_id):
        self.note(f"left {run_id}")
        self._away.add(adw_id)
        if self._standing:
            self._look_around()

    def saw(self, frame):
        """Remembers through which lines of the workflows' code a step was come to."""
        new = []
        while frame is not None:
            found = _OURS.search(frame.f_code.co_filename)
            place = found and f"{found[1]}:{frame.f_lineno}"
            if place and place not in self._sites:
                self._sites.add(place)
                new.append(f"site {place}")
            frame = frame.f_back
        if new:
            self.note(*new)

    def note(self, *lines):
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, "".join(f"{line}\n" for line in lines).encode())
        os.close(descriptor)

    def _look_around(self):
        if {*self._standing, *self._away} >= {*self._flows}:
            self._die()

    def _die(self):
        names = sorted({name for each in self._standing.values() for name in each})
        self.note(*(f"died {name}" for name in names))
        os.kill(os.getpid(), signal.SIGKILL)


class Hold:
    """In place of a ledger: all workflows stand still at one moment, until a file says to go on. Once."""

    def __init__(self, name, folder):
        self._name = name
        self._reached, self._go = Path(folder) / "reached", Path(folder) / "go"

    def fresh(self, _adw_id, names):
        return [self._name] if self._name in names and not self._reached.exists() else []

    def is_ours(self, _adw_id):
        return True

    async def stand(self, *_):
        self._reached.touch()
        while not self._go.exists():  # noqa: ASYNC110 - whoever says so is another process
            await asyncio.sleep(0.01)

    def came(self, *_): ...

    def left(self, *_): ...

    def saw(self, *_): ...

    def note(self, *_): ...


class Flow:
    """One workflow's present moment, and that of what it does meanwhile beside its steps."""

    def __init__(self, ledger, adw_id):
        self.ledger = ledger
        self._adw_id = adw_id
        self._task = asyncio.current_task()
        self._names = {"main": [], "beside": []}

    def reach(self, name):
        self._names[self._track].append(plain(name))

    async def die_once(self):
        """Right before a change."""
        due = self.ledger.fresh(self._adw_id, self._names[self._track])
        if due:
            await self.ledger.stand(self._adw_id, due)

    def changed(self, name):
        self._names[self._track] = [plain(name)]

    @property
    def _track(self):
        return "beside" if _step.get() == BETWEEN and asyncio.current_task() is not self._task else "main"


class DyingLeg:
    """A leg whose worker dies around each step and inside each transaction."""

    def __init__(self, leg, flow):
        self._leg = leg
        self._flow = flow

    @property
    def run_id(self):
        return self._leg.run_id

    @property
    def executor_id(self):
        return self._leg.executor_id

    async def step(self, name, work):
        return await self._taken(self._leg.step, name, work)

    async def transaction(self, name, work):
        return await self._taken(self._leg.transaction, name, work)

    async def _taken(self, take, name, work):
        self._flow.ledger.saw(sys._getframe(2))
        known = f"{self._leg.run_id}:{name}"
        ran = False

        async def doomed(*connection):
            nonlocal ran
            ran = True
            self._flow.ledger.note(f"ran {known}")
            token = _step.set(BETWEEN if connection else name)
            try:
                return await work(*connection)
            finally:
                self._flow.reach(f"unrecorded {name}")
                await self._flow.die_once()
                _step.reset(token)

        self._flow.reach(f"before {name}")
        try:
            return await take(name, doomed)
        finally:
            if ran:
                self._flow.ledger.note(f"kept {known}")
            self._flow.changed(f"recorded {name}")


class DyingPort:
    """Passes every call on; around each that is no mere look the process dies, once for each step that makes it."""

    def __init__(self, target):
        self._target = target

    def __getattr__(self, name):
        found = getattr(self._target, name)
        if name == "forge":
            return lambda project: DyingPort(found(project))
        if name in READS or not inspect.iscoroutinefunction(found):
            return found

        async def call(*args, **keywords):
            moment, flow = f"{_step.get()}/{name}", _flow.get()
            flow.reach(f"before {moment}")
            await flow.die_once()
            result = await found(*args, **keywords)
            flow.changed(f"after {moment}")
            return DyingPort(result) if name in PARTS else result

        return call


class DyingDatabase:
    """The database as steps use it: what a step commits by itself is a change as well."""

    def __init__(self, database):
        self._database = database

    def __getattr__(self, name):
        return getattr(self._database, name)

    @asynccontextmanager
    async def begin(self):
        step, flow = _step.get(), _flow.get(None)
        if step == BETWEEN or flow is None:
            async with self._database.begin() as connection:
                yield connection
            return
        await flow.die_once()
        async with self._database.begin() as connection:
            yield connection
        flow.changed(f"after {step}/commit")


def dying(services, interpreter, ledger):
    """The interpreter of these services, for whose workflows the process ends at every moment."""
    doomed = replace(
        services,
        database=DyingDatabase(services.database),
        access=DyingPort(services.access),
        workspaces=DyingPort(services.workspaces),
        commands=DyingPort(services.commands),
    )
    interpret, spared = interpreter(doomed), interpreter(services)

    async def execute(leg, payload):
        adw_id = str(payload["adw_id"])
        if not ledger.is_ours(adw_id):
            return await spared(leg, payload)
        flow = Flow(ledger, adw_id)
        _flow.set(flow)
        ledger.came(adw_id)
        result = await interpret(DyingLeg(leg, flow), payload)
        flow.reach("ended")
        await flow.die_once()
        ledger.left(adw_id, leg.run_id)
        return result

    return execute
