"""How large the plan and the change became, looked up before a workflow's end is written down."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import structlog

from adw.domain.kpi import Sizes, sizes_of
from adw.kit.errors import AdwError
from adw.ports.engine import JsonValue
from adw.store.workflows import require_workflow
from adw.workflows.context import Run

_log = structlog.get_logger(component="workflow")


async def measure(run: Run, *, name: str) -> Sizes:
    """Reads the remote, in a step of this name. What cannot be read counts as nothing: measuring fails no work."""

    async def work() -> JsonValue:
        try:
            sizes = await _look(run)
        except (AdwError, OSError) as error:
            _log.warning("not_measured", error=str(error))
            sizes = Sizes()
        found: dict[str, Any] = asdict(sizes)
        return found

    measured: Any = await run.leg.step(name, work)
    return Sizes(**measured)


async def _look(run: Run) -> Sizes:
    async with run.services.database.read() as connection:
        workflow = await require_workflow(connection, run.adw_id)
    base, head = workflow.base_sha, workflow.head_sha
    if head is None or head == base:
        return Sizes()
    access, plan = run.services.access, None
    if workflow.plan_file is not None:
        plan = await access.read_committed(run.project, sha=head, path=workflow.plan_file)
    return sizes_of(await access.diff(run.project, base=base, head=head), plan=plan or b"")
