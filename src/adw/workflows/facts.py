"""What earlier phases settled for good, read back as a recorded step so that a replay sees the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from adw.domain.failure import FailureClass
from adw.domain.naming import title_of
from adw.ports.engine import JsonValue
from adw.store.workflows import require_workflow
from adw.workflows.context import PhaseContext
from adw.workflows.endings import PhaseFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """The names a piece of work got when it was classified."""

    issue_class: str
    title: str
    branch: str
    plan_file: str | None
    """None for work that nobody planned."""


async def recall_naming(ctx: PhaseContext) -> Naming | None:
    """The names given before, or None when the work has not been classified yet."""

    async def work() -> JsonValue:
        async with ctx.services.database.read() as connection:
            workflow = await require_workflow(connection, ctx.adw_id)
        if workflow.branch_name is None or workflow.issue_class is None:
            return None
        naming = Naming(
            issue_class=workflow.issue_class,
            title=title_of(workflow.issue_title),
            branch=workflow.branch_name,
            plan_file=workflow.plan_file,
        )
        return asdict(naming)

    recorded: Mapping[str, Any] | None = await ctx.step("naming", work)
    return None if recorded is None else Naming(**recorded)


async def require_naming(ctx: PhaseContext) -> Naming:
    naming = await recall_naming(ctx)
    if naming is None:
        raise PhaseFailed(FailureClass.CONFIGURATION, f"{ctx.phase} needs a branch, and this workflow has none yet")
    return naming


def require_plan(ctx: PhaseContext, naming: Naming) -> str:
    """The path of the plan, for what cannot be done without one."""
    if naming.plan_file is None:
        raise PhaseFailed(FailureClass.CONFIGURATION, f"{ctx.phase} needs a plan, and this work was not planned")
    return naming.plan_file


async def recall_head(ctx: PhaseContext) -> str:
    """The commit the phase begins with: what the phases before have pushed."""

    async def work() -> JsonValue:
        async with ctx.services.database.read() as connection:
            workflow = await require_workflow(connection, ctx.adw_id)
        return workflow.head_sha or workflow.base_sha

    return str(await ctx.step("head", work))
