"""How a leg begins, and which phase comes next: what people ordered since is done first, then what is not done yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adw.domain.kinds import Phase
from adw.domain.phase import PhaseStatus
from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow
from adw.ports.engine import JsonValue
from adw.store import phases
from adw.store.db import Connection
from adw.store.orders import Order, OrderKind, open_order
from adw.store.workflows import require_workflow
from adw.workflows.adoption import look_for_others
from adw.workflows.context import PhaseContext, Run
from adw.workflows.endings import LegEnded
from adw.workflows.handback import take_back
from adw.workflows.pull_request import tell_withdrawn, withdraw
from adw.workflows.readiness import judge_readiness
from adw.workflows.rewind import rewind

ENDINGS: frozenset[str] = frozenset({Phase.FINISH, Phase.SHIP})
"""Phases that judge the head commit: before them, nobody else's commit may be left out of sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is ordered, and the branch it is ordered for."""

    branch: str | None
    head: str
    orders: Mapping[str, Mapping[str, Any]]
    is_unproven: bool = False
    """Whether a ready pull request offers what counts as verified no more."""

    @property
    def has_work(self) -> bool:
        return bool(self.orders) or self.is_unproven


async def read_opening(run: Run) -> Opening:
    """Recorded, so that a replay does the same. Raises LegEnded when the workflow was stopped before it began."""

    async def work(connection: Connection) -> JsonValue:
        workflow = await require_workflow(connection, run.adw_id)
        if workflow.status is not Status.ACTIVE:
            return None
        found = {
            kind.value: await open_order(connection, run.adw_id, kind)
            for kind in (OrderKind.REWIND, OrderKind.HANDBACK)
        }
        return {
            "branch": workflow.branch_name,
            "head": workflow.head_sha or workflow.base_sha,
            "orders": {kind: _plain(order) for kind, order in found.items() if order is not None},
            "unproven": await _is_unproven(connection, workflow),
        }

    recorded: Any = await run.leg.transaction("begin", work)
    if recorded is None:
        raise LegEnded("the workflow is not active")
    return Opening(
        branch=recorded["branch"],
        head=recorded["head"],
        orders=recorded["orders"],
        is_unproven=bool(recorded.get("unproven")),
    )


async def carry_out(ctx: PhaseContext, opening: Opening) -> None:
    """Does what was ordered: the branch moved back, a person's work taken over. Raises as a phase does.

    A ready pull request whose evidence is void by then becomes a draft first.
    """
    if opening.is_unproven:
        await tell_withdrawn(ctx, await ctx.step("withdraw", lambda: withdraw(ctx)), name="opening")
    if opening.branch is None:
        return
    ordered = opening.orders.get(OrderKind.REWIND)
    if ordered is not None:
        await rewind(ctx, branch=opening.branch, order=ordered)
    ordered = opening.orders.get(OrderKind.HANDBACK)
    if ordered is not None:
        await take_back(ctx, branch=opening.branch, head=opening.head, order=ordered)


async def next_phase(run: Run, names: Sequence[str], *, number: int) -> tuple[str, int] | None:
    """The first phase that is not done, with its attempt; None when all are. Recorded under `number`."""

    async def work(connection: Connection) -> JsonValue:
        for name in names:
            attempt = await _next_attempt(connection, run.adw_id, name)
            if attempt is not None:
                return [name, attempt]
        return None

    recorded: Any = await run.leg.transaction(f"next.{number}", work)
    return None if recorded is None else (str(recorded[0]), int(recorded[1]))


async def adopted_before_ending(ctx: PhaseContext) -> bool:
    """Whether commits of others were found on the branch, and taken in, before its end is judged."""
    if ctx.phase not in ENDINGS:
        return False
    return await look_for_others(ctx)


async def _next_attempt(connection: Connection, adw_id: str, phase: str) -> int | None:
    """The attempt to run: the first, the one that was interrupted, or one more after a failure; None when done."""
    latest = await phases.latest_attempt(connection, adw_id=adw_id, phase=phase)
    if latest is None:
        return 1
    if latest.status is PhaseStatus.COMPLETED:
        return None
    return latest.attempt if latest.status is PhaseStatus.RUNNING else latest.attempt + 1


async def _is_unproven(connection: Connection, workflow: Workflow) -> bool:
    if workflow.pr_state is not PrState.READY:
        return False
    evidence = await phases.list_evidence(connection, workflow.adw_id)
    ready, _ = judge_readiness(workflow.phases, evidence, head=workflow.head_sha or workflow.base_sha)
    return not ready


def _plain(order: Order) -> JsonValue:
    return {**order.data, "number": order.number}
