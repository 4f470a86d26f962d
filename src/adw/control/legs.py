"""Starting the next leg of a workflow: one engine run, from here to its end or to the next thing it waits for."""

from __future__ import annotations

from adw.domain.workflow import Workflow
from adw.ports.engine import Enqueuer
from adw.store.db import Connection
from adw.store.workflows import begin_leg, fence_off


def run_id_of(adw_id: str, leg: int) -> str:
    return f"{adw_id}.{leg}"


def adw_id_of(run_id: str) -> str:
    """The workflow a run belongs to."""
    return run_id.partition(".")[0]


async def start_leg(connection: Connection, *, enqueuer: Enqueuer, workflow: Workflow) -> None:
    """Queues the workflow's next leg in the caller's transaction, with its phases as they were resolved at intake."""
    leg = await begin_leg(connection, workflow.adw_id)
    payload = {"adw_id": workflow.adw_id, "leg": leg, "phases": list(workflow.phases)}
    await enqueuer.enqueue(connection, run_id=run_id_of(workflow.adw_id, leg), payload=payload)


async def stop_leg(connection: Connection, *, enqueuer: Enqueuer, workflow: Workflow) -> None:
    """Ends the present leg, wherever it runs: its agents die, and nothing it may still write is accepted."""
    if workflow.leg:
        await enqueuer.revoke(connection, run_id=run_id_of(workflow.adw_id, workflow.leg))


async def halt_leg(connection: Connection, *, enqueuer: Enqueuer, workflow: Workflow) -> None:
    """Takes the workflow away from whoever runs it, and ends what it runs."""
    await fence_off(connection, workflow.adw_id)
    await stop_leg(connection, enqueuer=enqueuer, workflow=workflow)
