"""What work is to wait for: other workflows, named when it is handed in.

Only what exists can be named, and nobody can name it afterwards, so no two workflows ever wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.status import PrState, Status
from adw.domain.workflow import Workflow
from adw.intake.candidate import Finding
from adw.kit.errors import UsageError
from adw.store.db import Database
from adw.store.workflows import require_workflow, resolve_prefix

MOST = 32


async def find_dependencies(database: Database, references: Sequence[str]) -> list[Workflow]:
    """The workflows these ids, or unique beginnings of ids, stand for; each once.

    Raises NotFoundError for one there is not, UsageError for a beginning of several ids, or for too many.
    """
    if len(references) > MOST:
        raise UsageError(
            f"{len(references)} workflows to wait for are more than {MOST}", hint="name only the last ones to be done"
        )
    async with database.read() as connection:
        found = [await resolve_prefix(connection, reference) for reference in references]
        return [await require_workflow(connection, adw_id) for adw_id in dict.fromkeys(found)]


def dependency_findings(found: Sequence[Workflow]) -> list[Finding]:
    """What a person should know of them. One that is cancelled is refused: it will never be done."""
    return [_finding(workflow) for workflow in found]


def _finding(workflow: Workflow) -> Finding:
    adw_id = workflow.adw_id
    if workflow.status is Status.CANCELLED and workflow.pr_state is not PrState.MERGED:
        refusal = UsageError(
            f"workflow {adw_id} is cancelled and will never be done", hint="leave it out, or name the one that does it"
        )
        return Finding(check="dependencies", message=refusal.message, refusal=refusal)
    if workflow.status is Status.FAILED and workflow.pr_state is not PrState.MERGED:
        message = f"it waits for {adw_id}, which has failed: `adw workflow retry {adw_id}`"
        return Finding(check="dependencies", message=message, is_note=True)
    return Finding(check="dependencies", message=f"it starts after {adw_id} ({workflow.status})")
