"""Facts as short lines an agent can read: `name: value`, one a line, nothing that is not known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from adw.control.comparison import Side
from adw.domain.approval import Approval
from adw.domain.events import Event
from adw.domain.failure import POLICIES
from adw.domain.headline import headline_of
from adw.domain.usage import Usage
from adw.domain.workflow import Workflow


def facts(known: Mapping[str, object]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in known.items() if value not in {None, ""})


def listed(lines: Iterable[str], *, empty: str) -> str:
    return "\n".join(lines) or empty


def state_of(workflow: Workflow) -> str:
    """`waiting (approval)`, `active`."""
    return f"{workflow.status} ({workflow.wait_reason})" if workflow.wait_reason else str(workflow.status)


def workflow_line(workflow: Workflow) -> str:
    issue = f"#{workflow.issue_number} " if workflow.issue_number is not None else ""
    pull = f", pull request #{workflow.pr_number} {workflow.pr_state}" if workflow.pr_number is not None else ""
    return (
        f"{workflow.adw_id} {state_of(workflow)}, phase {workflow.phase}, {workflow.workflow_type}{pull}:"
        f" {issue}{one_line(workflow.issue_title)}"
    )


def workflow_facts(workflow: Workflow, *, used: Usage) -> dict[str, object]:
    """Everything worth knowing about one workflow."""
    failure = workflow.failure
    known: dict[str, object] = {
        "adw_id": workflow.adw_id,
        "status": state_of(workflow),
        "phase": workflow.phase,
        "kind": workflow.workflow_type,
        "phases": " ".join(workflow.phases),
        "issue": None if workflow.issue_number is None else f"#{workflow.issue_number}",
        "title": one_line(workflow.issue_title),
        "branch": workflow.branch_name,
        "pull_request": None if workflow.pr_number is None else f"#{workflow.pr_number} {workflow.pr_state}",
        "spent_usd": usd(used),
        "budget_usd": workflow.budget_usd,
        "queued_because": workflow.queued_because and workflow.queued_because.reason,
        "goes_on_at": workflow.resume_at,
    }
    if failure is not None:
        known["failure"] = f"{failure.failure_class}: {one_line(failure.message, width=600)}"
        known["advice"] = POLICIES[failure.failure_class].advice
    return known


def side_facts(side: Side) -> dict[str, object]:
    """One of two runs that are compared."""
    workflow = side.workflow
    took_s = sum(each.duration_ms or 0 for each in side.phases) / 1000
    known: dict[str, object] = {
        "adw_id": workflow.adw_id,
        "status": state_of(workflow),
        "kind": workflow.workflow_type,
        "models": workflow.options.model or workflow.model_set,
        "pull_request": None if workflow.pr_number is None else f"#{workflow.pr_number} {workflow.pr_state}",
        "spent_usd": usd(side.usage),
        "took_s": round(took_s, 1),
    }
    for each in side.phases:
        known[f"phase {each.phase} {each.attempt}"] = each.status
    for gate in side.gates:
        known[f"gate {gate.evidence.gate} of {gate.phase}"] = f"{gate.evidence.outcome}: {gate.evidence.summary}"
    return known


def approval_line(approval: Approval) -> str:
    return f"{approval.id} {approval.kind} for {approval.adw_id}: {one_line(approval.question, width=600)}"


def event_line(event: Event) -> str:
    phase = f" [{event.phase}]" if event.phase else ""
    return f"{event.seq} {event.created_at:%m-%d %H:%M:%S} {event.type}{phase} {headline_of(event)}"


def usd(used: Usage) -> str:
    return "unknown" if used.cost_usd is None else f"{used.cost_usd:.4f}"


def one_line(text: str, *, width: int = 120) -> str:
    joined = " ".join(text.split())
    return joined if len(joined) <= width else joined[: width - 1] + "…"
