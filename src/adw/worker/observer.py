"""What the engine tells about runs, written into the workflows they belong to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adw.control.legs import adw_id_of
from adw.domain.events import EventType, NewEvent
from adw.domain.failure import Failure, FailureClass
from adw.domain.phase import PhaseStatus
from adw.domain.status import Status
from adw.store.db import Connection
from adw.store.events import append_event, latest_agent_seq
from adw.store.phases import end_running_phases
from adw.store.rows import failure_to
from adw.store.workflows import fence_off, get_workflow, transition


class WorkflowObserver:
    """Implements `adw.ports.engine.RunObserver`."""

    def __init__(
        self, *, end_agents: Callable[[], Awaitable[None]], keep_agents: Callable[[float], None] = lambda _until: None
    ) -> None:
        self._end_agents = end_agents
        self._keep_agents = keep_agents

    async def progress(self, connection: Connection, *, run_id: str) -> str:
        return str(await latest_agent_seq(connection, adw_id_of(run_id)))

    async def recovered(self, connection: Connection, *, run_id: str, previous_executor: str) -> None:
        adw_id = adw_id_of(run_id)
        if await get_workflow(connection, adw_id) is None:
            return
        lost = NewEvent(type=EventType.WORKER_LOST, message="the worker is gone", data={"executor": previous_executor})
        await append_event(connection, adw_id, lost)
        await fence_off(connection, adw_id)
        recovered = NewEvent(type=EventType.WORKFLOW_RECOVERED, message="another worker goes on")
        await append_event(connection, adw_id, recovered)

    async def exhausted(self, connection: Connection, *, run_id: str) -> None:
        adw_id = adw_id_of(run_id)
        workflow = await get_workflow(connection, adw_id)
        if workflow is None or workflow.status is not Status.ACTIVE:
            return
        failure = Failure(
            failure_class=FailureClass.INFRASTRUCTURE,
            message="its worker was lost several times in a row without any progress in between",
            phase=None,
        )
        await fence_off(connection, adw_id)
        await end_running_phases(connection, adw_id=adw_id, status=PhaseStatus.FAILED)
        event = NewEvent(type=EventType.WORKFLOW_FAILED, message=failure.message, data=failure_to(failure))
        changes = {"failure": failure_to(failure), "failure_class": failure.failure_class.value}
        await transition(connection, adw_id, to=Status.FAILED, event=event, changes=changes)

    def lease_kept(self, *, until: float) -> None:
        self._keep_agents(until)

    async def lease_lost(self) -> None:
        await self._end_agents()
