"""Makes the views of workflows from what the database knows. `workflow_view` is the only place that does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from adw.api.views.approvals import ApprovalView
from adw.api.views.messages import MessageView
from adw.api.views.workflow import (
    ClashView,
    FailureView,
    GateView,
    PhaseSummary,
    QueuedBecauseView,
    TestCounts,
    TestsView,
    UsageView,
    WorkflowSummary,
    WorkflowView,
)
from adw.domain.admission import Because
from adw.domain.failure import POLICIES, Failure
from adw.domain.kinds import Phase
from adw.domain.phase import EvidenceRow, PhaseRow, PhaseStatus
from adw.domain.usage import Usage
from adw.domain.workflow import Workflow
from adw.store import approvals
from adw.store.belongings import belongings_of
from adw.store.db import Connection
from adw.store.inheritance import forks_of
from adw.store.messages import undelivered
from adw.store.queue import positions
from adw.store.watches import clashes_of

_PENDING = "pending"
_KEPT = WorkflowSummary.model_fields.keys() - {"spent_usd"}
"""What a summary takes from a workflow."""


async def workflow_view(connection: Connection, workflow: Workflow) -> WorkflowView:
    """The workflow with its phases, usage, tests, gates, forks, and what people are asked and have said."""
    adw_id = workflow.adw_id
    has = await belongings_of(connection, adw_id)
    places = {} if workflow.queued_because is None else await positions(connection, [adw_id])
    asked = await approvals.list_approvals(connection, adw_id=adw_id, pending_only=True) if has.has_approvals else ()
    unheard = await undelivered(connection, adw_id) if has.has_unheard else ()
    clashes = await clashes_of(connection, adw_id) if has.has_clashes else ()
    return WorkflowView(
        **_summary(_values(workflow) | {"spent_usd": has.spent_usd}, places),
        phases=_phases(workflow.phases, has.attempts, has.used),
        usage=usage_view(sum(has.used.values(), Usage())),
        tests=_tests(has.attempts, has.evidence),
        review_rounds=int(_latest_data(has.attempts, Phase.REVIEW).get("rounds") or 0),
        gates=_gates(has.evidence),
        approvals=tuple(ApprovalView.model_validate(approval) for approval in asked),
        forks=tuple(await forks_of(connection, adw_id)) if has.has_forks else (),
        unheard=tuple(MessageView.model_validate(each) for each in unheard),
        clashes=tuple(ClashView.model_validate(each) for each in clashes),
    )


async def workflow_summaries(connection: Connection, found: Sequence[Mapping[str, Any]]) -> list[WorkflowSummary]:
    """Of what `list_short` has found, with their places in line."""
    queued = [values["adw_id"] for values in found if values["queued_because"] is not None]
    places = await positions(connection, queued) if queued else {}
    return [WorkflowSummary.model_validate(_summary(values, places), by_alias=False, by_name=True) for values in found]


def _values(workflow: Workflow) -> dict[str, Any]:
    return {name: getattr(workflow, name) for name in _KEPT}


def _summary(values: Mapping[str, Any], places: Mapping[str, int]) -> dict[str, Any]:
    """The fields of a summary, from the values of a workflow and what it has spent."""
    adw_id = values["adw_id"]
    return {
        **values,
        "failure": _failure(adw_id, values["failure"]),
        "queued_because": _queued(values["queued_because"], places.get(adw_id)),
    }


def usage_view(used: Usage) -> UsageView:
    return UsageView(
        requests=used.requests,
        input_tokens=used.tokens.input + used.tokens.cache_write + used.tokens.cache_read,
        output_tokens=used.tokens.output,
        cost_usd=used.cost_usd,
    )


def _phases(names: Sequence[str], attempts: Sequence[PhaseRow], used: Mapping[str, Usage]) -> tuple[PhaseSummary, ...]:
    return tuple(
        _phase(name, [row for row in attempts if row.phase == name], used.get(name, Usage())) for name in names
    )


def _phase(name: str, attempts: Sequence[PhaseRow], used: Usage) -> PhaseSummary:
    latest = max(attempts, key=lambda row: row.attempt, default=None)
    is_begun = latest is not None and latest.status is not PhaseStatus.SUPERSEDED
    durations = [row.duration_ms for row in attempts if row.duration_ms is not None]
    return PhaseSummary(
        name=name,
        status=latest.status.value if latest is not None and is_begun else _PENDING,
        attempts=len(attempts),
        duration_ms=sum(durations) if durations else None,
        **dict(usage_view(used)),
    )


def _tests(attempts: Sequence[PhaseRow], found: Sequence[EvidenceRow]) -> TestsView:
    """The base's from the plan or test phase, the first and the last run on the work from their evidence."""
    told = _latest_data(attempts, Phase.TEST)
    planned = _mapping(_latest_data(attempts, Phase.PLAN).get("tests"))
    runs = [row.evidence.data.get("counts") for row in found if row.evidence.gate == "tests" and not row.superseded]
    return TestsView(
        before=_counts(told.get("before")) or _counts(planned),
        after_build=_counts(runs[0]) if runs else None,
        final=_counts(runs[-1]) if runs else None,
    )


def _latest_data(attempts: Sequence[PhaseRow], name: str) -> Mapping[str, Any]:
    """Of the latest attempt that left any."""
    rows = [row for row in attempts if row.phase == name and row.data and row.status is not PhaseStatus.SUPERSEDED]
    return max(rows, key=lambda row: row.attempt).data if rows else {}


def _counts(value: object) -> TestCounts | None:
    counts = _mapping(value)
    if "passed" not in counts:
        return None
    return TestCounts(**{name: int(counts.get(name) or 0) for name in TestCounts.model_fields})


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _gates(rows: Sequence[EvidenceRow]) -> tuple[GateView, ...]:
    """The newest finding of each gate in each phase; older ones are evidence of commits that were replaced."""
    newest = {(row.phase, row.evidence.gate): row for row in rows if not row.superseded}
    return tuple(
        GateView(
            gate=row.evidence.gate,
            phase=row.phase,
            outcome=row.evidence.outcome,
            commit=row.evidence.commit,
            summary=row.evidence.summary,
        )
        for row in newest.values()
    )


def _queued(because: Because | None, position: int | None) -> QueuedBecauseView | None:
    if because is None:
        return None
    return QueuedBecauseView(reason=because.reason, detail=because.detail, position=position)


def _failure(adw_id: str, failure: Failure | None) -> FailureView | None:
    if failure is None:
        return None
    return FailureView.model_validate(
        {
            "class": failure.failure_class,
            "message": failure.message,
            "phase": failure.phase,
            "advice": POLICIES[failure.failure_class].advice,
            "nextActions": failure.next_actions(adw_id),
        }
    )
