"""What an interpreter may rely on inside a run. The engine lives in the test's own process and loop here."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import psutil
import pytest
from sqlalchemy import text

from adw.engine import upstream
from adw.engine.dbos_engine import DbosEngine
from adw.engine.errors import DuplicateStepError, EngineBusyError, NotJsonError, StepFailedError
from adw.engine.records import Records
from adw.engine.settings import EngineSettings
from adw.kit.errors import ConflictError, WrongStateError
from adw.ports.engine import RunStatus

SHORT = EngineSettings(beat_s=0.1, lease_s=1.0, poll_s=0.05, concurrency=2)


class Silent:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.recoveries: list[str] = []
        self.lost = 0

    async def progress(self, _connection, **_ids):
        return ""

    async def recovered(self, _connection, *, run_id, **_ids):
        self.recoveries.append(run_id)

    async def exhausted(self, _connection, *, run_id):
        raise AssertionError(run_id)

    def lease_kept(self, *, until):
        """Nothing depends on it here."""

    async def lease_lost(self):
        self.lost += 1


@asynccontextmanager
async def engine_with(scene, interpret, *, observer=None, exit_process=None):
    engine = DbosEngine(
        scene.database,
        interpret=interpret,
        observer=observer or Silent(),
        settings=SHORT,
        exit_process=exit_process or (lambda code: pytest.fail(f"the process would have ended with {code}")),
    )
    await engine.launch()
    try:
        yield engine
    finally:
        await engine.close(grace_s=0.1)


async def run(scene, interpret, **payload):
    """Executes one run and returns what the interpreter returned or raised."""
    outcome = asyncio.get_running_loop().create_future()

    async def observed(leg, given):
        try:
            outcome.set_result(await interpret(leg, given))
        except Exception as error:
            outcome.set_exception(error)
            raise

    async with engine_with(scene, observed):
        async with scene.database.begin() as connection:
            await scene.enqueuer.enqueue(connection, run_id="r1", payload=payload)
        return await asyncio.wait_for(outcome, timeout=20)


async def test_interpreter_steps_and_transactions_run_on_the_loop_that_launched_the_engine(scene):
    """Upstream has a loop of its own and falls back to it when launched without a running one."""
    loops = []

    async def note(*_):
        loops.append(asyncio.get_running_loop())

    async def interpret(leg, payload):
        await note()
        await leg.step("a", note)
        await leg.transaction("b", note)

    await run(scene, interpret)
    assert loops == [asyncio.get_running_loop()] * 3


async def test_the_payload_arrives_as_it_was_sent(scene):
    payload = {"text": "naïve \u2713", "number": 1.5, "nothing": None, "list": [1, {"deep": True}]}

    async def interpret(leg, given):
        return leg.run_id, given

    assert await run(scene, interpret, **payload) == ("r1", payload)


async def test_two_steps_of_one_name_are_refused(scene):
    async def nothing(*_):
        return None

    async def interpret(leg, payload):
        await leg.step("a", nothing)
        await leg.transaction("a", nothing)

    with pytest.raises(DuplicateStepError, match="'a'"):
        await run(scene, interpret)


async def test_a_result_that_json_cannot_express_is_refused_by_name(scene):
    async def nonsense():
        return {"when": {1, 2}}

    async def interpret(leg, payload):
        await leg.step("odd", nonsense)

    with pytest.raises(NotJsonError, match="'odd'"):
        await run(scene, interpret)


async def test_an_error_of_ours_is_recorded_and_raised_again_on_replay(scene):
    """Upstream's portable records keep an error's name and text, not its class."""
    calls = []

    async def refuse(*_):
        calls.append(1)
        raise WrongStateError("no way", hint="another way")

    async def interpret(leg, payload):
        seen = []
        for name, act in (("a", leg.step), ("b", leg.transaction)):
            try:
                await act(name, refuse)
            except ConflictError as error:
                seen.append((type(error), error.message, error.hint))
        if len(calls) == 2 and not payload.get("again"):
            replayed.append(seen)
            await asyncio.Event().wait()
        return seen

    replayed = []
    observer = Silent()
    async with engine_with(scene, interpret, observer=observer):
        await enqueue(scene)
        await scene.eventually(lambda: replayed)
    again = asyncio.get_running_loop().create_future()

    async def second(leg, payload):
        again.set_result(await interpret(leg, {"again": True}))

    async with engine_with(scene, second):
        assert await asyncio.wait_for(again, 20) == replayed[0] == [(WrongStateError, "no way", "another way")] * 2
    assert len(calls) == 2
    assert observer.recoveries == ["r1"]


async def test_a_foreign_error_fails_the_run_and_is_remembered_by_name(scene):
    replay = asyncio.Event()
    seen = []

    async def divide():
        return 1 / 0

    async def interpret(leg, payload):
        try:
            await leg.step("a", divide)
        except (ZeroDivisionError, StepFailedError) as error:
            seen.append(error)
        await replay.wait()

    async with engine_with(scene, interpret):
        await enqueue(scene)
        await scene.eventually(lambda: seen)
    replay.set()
    async with engine_with(scene, interpret):
        await scene.becomes("r1", "completed")
    assert [type(error) for error in seen] == [ZeroDivisionError, StepFailedError]
    assert "ZeroDivisionError" in str(seen[1])


async def test_a_failed_transaction_leaves_no_rows(scene):
    async def insert_and_refuse(connection):
        await connection.execute(text("INSERT INTO effects VALUES ('r1', 'x', 'me')"))
        raise ConflictError

    async def interpret(leg, payload):
        await leg.transaction("a", insert_and_refuse)

    with pytest.raises(ConflictError):
        await run(scene, interpret)
    assert await scene.rows("SELECT * FROM effects") == []


async def test_steps_may_run_side_by_side(scene):
    met = asyncio.Barrier(2)

    async def meet():
        await met.wait()
        return True

    async def interpret(leg, payload):
        return await asyncio.gather(leg.step("a", meet), leg.step("b", meet))

    assert await run(scene, interpret) == [True, True]


async def test_a_run_that_was_cancelled_ends_at_its_next_transaction(scene):
    cancelled = []

    async def nothing(_connection):
        return None

    async def interpret(leg, payload):
        await engine.cancel("r1")
        try:
            await leg.transaction("a", nothing)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    async with engine_with(scene, interpret) as engine:
        await enqueue(scene)
        await scene.eventually(lambda: cancelled)
        assert await engine.status("r1") is RunStatus.CANCELLED
        assert await engine.purge(older_than=timedelta(0)) == 1
        assert await engine.status("r1") is None


async def test_a_lost_lease_ends_the_agents_and_then_the_process(scene):
    codes = []
    observer = Silent()

    async def nothing(leg, payload):
        return None

    async with engine_with(scene, nothing, observer=observer, exit_process=codes.append) as engine:
        assert await engine.recover([engine.executor_id]) == []
        await scene.eventually(lambda: codes)
    assert (codes, observer.lost) == ([75], 1)


async def test_a_keeper_that_fails_ends_the_process(scene):
    """A worker that no longer beats or reaps would look healthy and strand whatever it owns."""
    codes = []

    class Broken(Silent):
        async def recovered(self, _connection, **_ids):
            raise TypeError("a defect")

    async def nothing(leg, payload):
        return None

    async with engine_with(scene, nothing, observer=Broken(), exit_process=codes.append):
        async with scene.database.begin() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO dbos.workflow_status (workflow_uuid, status, name, executor_id, application_version, "
                "application_name, created_at, updated_at, priority, queue_name) "
                "VALUES ('orphan', 'PENDING', 'adw.leg', 'nobody', '1', 'adw', 0, 0, 0, 'legs')"
            )
        await scene.eventually(lambda: codes)
        async with scene.database.begin() as connection:
            await connection.exec_driver_sql("DELETE FROM dbos.workflow_status")
    assert codes == [75]


async def test_one_process_holds_one_engine_and_can_use_threads_after_it(scene):
    async def nothing(leg, payload):
        return None

    async with engine_with(scene, nothing) as engine:
        with pytest.raises(EngineBusyError):
            await DbosEngine(scene.database, interpret=nothing, observer=Silent(), settings=SHORT).launch()
        assert not any(row.type.name == "SOCK_STREAM" for row in psutil.Process().net_connections("inet"))
    assert not upstream.is_launched()
    assert await asyncio.to_thread(lambda: 7) == 7
    await engine.close(grace_s=0)


async def enqueue(scene):
    async with scene.database.begin() as connection:
        await scene.enqueuer.enqueue(connection, run_id="r1", payload={})


async def test_what_a_run_has_recorded_is_read_at_once_and_given_out_once(scene):
    async def defect():
        raise ValueError("by accident")

    async def interpret(leg, _payload):
        await leg.step("looks", one)
        await leg.transaction("writes", lambda _connection: one())
        with pytest.raises(ValueError, match="accident"):
            await leg.step("breaks", defect)
        with pytest.raises(WrongStateError):
            await leg.step("refuses", refusal)

    async def one():
        return 1

    async def refusal():
        raise WrongStateError("not now")

    await run(scene, interpret)
    records = Records(scene.database, run_id="r1")
    assert await records.take(2, name="writes") == {"value": 1}
    assert await records.take(1, name="another") is None, "the engine itself has to say what is wrong"
    assert await records.take(1, name="looks") is None, "it was given out, if only to be refused"
    assert await records.take(3, name="breaks") is None, "defects are not kept in our words"
    assert (await records.take(4, name="refuses"))["error"]["type"] == "WrongStateError"
    assert await records.take(5, name="new") is None
