"""Every route as a value: what to send, and the type of what comes back. Both clients send these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from adw.client import types as t
from adw.kit.errors import UsageError

T_co = TypeVar("T_co", covariant=True)
"""What the answer is: a typed dictionary, text, or bytes."""

Money = Decimal | float | int
Method = Literal["GET", "POST", "DELETE"]

_WORKFLOWS = "/api/adw/workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """One request. None among `params` and in `body` is left out."""

    method: Method
    path: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] | None = None
    key: str | None = None
    """The idempotency key."""
    answer: Literal["json", "text", "bytes"] = "json"
    also: int | None = None
    """A status besides success that carries the answer."""

    @property
    def query(self) -> dict[str, str]:
        return {name: _text(value) for name, value in self.params.items() if value is not None and value != ()}

    @property
    def json(self) -> dict[str, Any] | None:
        return None if self.body is None else {name: v for name, v in self.body.items() if v is not None}


def health() -> Call[t.HealthDict]:
    return Call(method="GET", path="/health")


def ready() -> Call[t.ReadinessDict]:
    return Call(method="GET", path="/health/ready", also=503)


def create_workflow(order: t.OrderFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    return Call(method="POST", path=_WORKFLOWS, body=_order(order, actor=actor), key=key)


def preview_workflow(order: t.OrderFields, *, actor: str) -> Call[t.PreviewDict]:
    return Call(method="POST", path=f"{_WORKFLOWS}/preview", body=_order(order, actor=actor))


def patch_workflow(work: t.WorkFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    return Call(method="POST", path=f"{_WORKFLOWS}/patch", body=_order(work, actor=actor), key=key)


def quick_workflow(kind: str, work: t.WorkFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    path = f"{_WORKFLOWS}/quick/{quote(kind, safe='')}"
    return Call(method="POST", path=path, body=_order(work, actor=actor), key=key)


def run_phase(
    adw_id: str,
    phase: str,
    *,
    model_set: str | None,
    options: t.WorkOptions | None,
    actor: str,
    key: str | None,
) -> Call[t.AcceptedDict]:
    body = {"modelSet": model_set, "options": options, "actor": actor}
    return Call(method="POST", path=_workflow(adw_id, phase), body=body, key=key)


def list_workflows(
    *,
    status: Sequence[str],
    kind: str | None,
    project: str | None,
    text: str | None,
    limit: int,
    after: str | None,
) -> Call[t.WorkflowPageDict]:
    params = {
        "status": tuple(status),
        "kind": kind,
        "project": project,
        "text": text,
        "limit": limit,
        "after": after,
    }
    return Call(method="GET", path=_WORKFLOWS, params=params)


def get_workflow(adw_id: str) -> Call[t.WorkflowDict]:
    return Call(method="GET", path=_workflow(adw_id))


def act(adw_id: str, action: Literal["pause", "resume", "cancel"], *, actor: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="POST", path=_workflow(adw_id, action), body={"actor": actor})


def retry(adw_id: str, *, from_phase: str | None, discard_foreign: bool, actor: str) -> Call[t.WorkflowAnswerDict]:
    body = {"fromPhase": from_phase, "discardForeign": discard_foreign, "actor": actor}
    return Call(method="POST", path=_workflow(adw_id, "retry"), body=body)


def fork(
    adw_id: str, *, from_phase: str, workflow_type: str | None, actor: str, key: str | None
) -> Call[t.AcceptedDict]:
    body = {"fromPhase": from_phase, "workflowType": workflow_type, "actor": actor}
    return Call(method="POST", path=_workflow(adw_id, "fork"), body=body, key=key)


def compare(first: str, second: str) -> Call[t.ComparisonDict]:
    return Call(method="GET", path=_workflow(first, "compare", _segment(second)))


def takeover(adw_id: str, *, actor: str) -> Call[t.TakeoverDict]:
    return Call(method="POST", path=_workflow(adw_id, "takeover"), body={"actor": actor})


def handback(adw_id: str, *, message: str | None, actor: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="POST", path=_workflow(adw_id, "handback"), body={"message": message, "actor": actor})


def send_message(adw_id: str, *, message: str, actor: str) -> Call[t.MessageDict]:
    return Call(method="POST", path=_workflow(adw_id, "message"), body={"message": message, "actor": actor})


def messages(adw_id: str) -> Call[t.MessageListDict]:
    return Call(method="GET", path=_workflow(adw_id, "messages"))


def agents() -> Call[t.AgentListDict]:
    return Call(method="GET", path="/api/agents")


def delete_workflow(adw_id: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="DELETE", path=_workflow(adw_id))


def events(adw_id: str, *, after: int, limit: int, types: Sequence[str]) -> Call[t.EventPageDict]:
    params = {"after": after, "limit": limit, "types": tuple(types)}
    return Call(method="GET", path=_workflow(adw_id, "events"), params=params)


def stream_events(adw_id: str, *, after: int, types: Sequence[str]) -> Call[t.EventDict]:
    """Its answer is one event a line."""
    params = {"after": after, "types": tuple(types)}
    return Call(method="GET", path=_workflow(adw_id, "events", "stream"), params=params)


def phases(adw_id: str) -> Call[t.PhaseListDict]:
    return Call(method="GET", path=_workflow(adw_id, "phases"))


def outputs(adw_id: str) -> Call[t.OutputListDict]:
    return Call(method="GET", path=_workflow(adw_id, "outputs"))


def evidence(adw_id: str) -> Call[t.EvidenceListDict]:
    return Call(method="GET", path=_workflow(adw_id, "evidence"))


def usage(adw_id: str) -> Call[t.WorkflowUsageDict]:
    return Call(method="GET", path=_workflow(adw_id, "usage"))


def diff(adw_id: str) -> Call[str]:
    return Call(method="GET", path=_workflow(adw_id, "diff"), answer="text")


def diff_stat(adw_id: str) -> Call[t.DiffStatDict]:
    return Call(method="GET", path=_workflow(adw_id, "diff", "stat"))


def transcript(adw_id: str, *, role: str | None, phase: str | None) -> Call[t.TranscriptDict]:
    params = {"role": role, "phase": phase, "format": "json"}
    return Call(method="GET", path=_workflow(adw_id, "transcript"), params=params)


def transcript_markdown(adw_id: str, *, role: str | None, phase: str | None) -> Call[str]:
    params = {"role": role, "phase": phase, "format": "md"}
    return Call(method="GET", path=_workflow(adw_id, "transcript"), params=params, answer="text")


def cost(by: t.CostBy, *, since: str | None, limit: int) -> Call[t.CostTableDict]:
    return Call(method="GET", path="/api/analytics/cost", params={"by": by, "since": since, "limit": limit})


def kpi(*, project: str | None, kind: str | None, since: str | None, limit: int) -> Call[t.KpiTableDict]:
    params = {"project": project, "kind": kind, "since": since, "limit": limit}
    return Call(method="GET", path="/api/analytics/kpi", params=params)


def artifacts(adw_id: str) -> Call[t.ArtifactListDict]:
    return Call(method="GET", path=_workflow(adw_id, "artifacts"))


def artifact(adw_id: str, name: str) -> Call[bytes]:
    path = f"{_workflow(adw_id, 'artifacts')}/{quote(name)}"
    return Call(method="GET", path=path, answer="bytes")


def approvals(*, adw_id: str | None, pending: bool) -> Call[t.ApprovalListDict]:
    return Call(method="GET", path="/api/approvals", params={"adwId": adw_id, "pending": pending})


def decide(
    reference: str, decision: Literal["allow", "deny"], *, reason: str | None, budget_usd: Money | None, actor: str
) -> Call[t.DecidedDict]:
    body = {"reason": reason, "budgetUsd": _usd(budget_usd), "actor": actor}
    return Call(method="POST", path=f"/api/approvals/{_segment(reference)}/{decision}", body=body)


def projects() -> Call[t.ProjectListDict]:
    return Call(method="GET", path="/api/projects")


def add_project(path: str, *, base: str | None) -> Call[t.AddedProjectDict]:
    return Call(method="POST", path="/api/projects", body={"path": path, "base": base})


def project(reference: str) -> Call[t.ProjectDetailDict]:
    return _of_project("GET", reference)


def issues(reference: str, *, state: t.IssueFilter, limit: int) -> Call[t.IssueListDict]:
    return _of_project("GET", reference, "issues", params={"state": state, "limit": limit})


def create_issue(
    reference: str, *, title: str, body: str, labels: Sequence[str], actor: str, key: str | None
) -> Call[t.IssueDict]:
    sent = {"title": title, "body": body, "labels": list(labels), "actor": actor}
    return _of_project("POST", reference, "issues", body=sent, key=key)


def issue(reference: str, number: int) -> Call[t.IssueDetailDict]:
    return _of_project("GET", reference, "issues", str(number))


def comment_issue(reference: str, number: int, *, body: str, actor: str, key: str | None) -> Call[t.CommentDict]:
    sent = {"body": body, "actor": actor}
    return _of_project("POST", reference, "issues", str(number), "comments", body=sent, key=key)


def close_issue(reference: str, number: int) -> Call[t.IssueDict]:
    return _of_project("POST", reference, "issues", str(number), "close")


def pulls(reference: str, *, state: t.PullFilter, limit: int) -> Call[t.PullListDict]:
    return _of_project("GET", reference, "pulls", params={"state": state, "limit": limit})


def pull(reference: str, number: int) -> Call[t.PullDetailDict]:
    return _of_project("GET", reference, "pulls", str(number))


def pull_diff(reference: str, number: int) -> Call[str]:
    return _of_project("GET", reference, "pulls", str(number), "diff", answer="text")


def comment_pull(reference: str, number: int, *, body: str, actor: str, key: str | None) -> Call[t.CommentDict]:
    sent = {"body": body, "actor": actor}
    return _of_project("POST", reference, "pulls", str(number), "comments", body=sent, key=key)


def review_pull(
    reference: str,
    number: int,
    *,
    state: t.ReviewVerdict,
    body: str,
    comments: Sequence[t.ReviewCommentDict],
    actor: str,
    key: str | None,
) -> Call[t.ReviewDict]:
    sent = {"state": state, "body": body, "comments": list(comments), "actor": actor}
    return _of_project("POST", reference, "pulls", str(number), "reviews", body=sent, key=key)


def ready_pull(reference: str, number: int, *, actor: str) -> Call[t.PullAnswerDict]:
    return _of_project("POST", reference, "pulls", str(number), "ready", body={"actor": actor})


def merge_pull(
    reference: str, number: int, *, expected_head_sha: str | None, message: str | None, actor: str
) -> Call[t.MergedDict]:
    sent = {"expectedHeadSha": expected_head_sha, "message": message, "actor": actor}
    return _of_project("POST", reference, "pulls", str(number), "merge", body=sent)


def close_pull(reference: str, number: int, *, actor: str) -> Call[t.PullAnswerDict]:
    return _of_project("POST", reference, "pulls", str(number), "close", body={"actor": actor})


def worktrees() -> Call[t.WorktreeListDict]:
    return Call(method="GET", path="/api/worktrees")


def clean_worktrees(*, dry_run: bool) -> Call[t.CleanupDict]:
    return Call(method="POST", path="/api/worktrees/cleanup", body={"dryRun": dry_run})


def workers() -> Call[t.WorkerListDict]:
    return Call(method="GET", path="/api/workers")


def _order(order: t.WorkFields | t.OrderFields, *, actor: str) -> dict[str, Any]:
    return {
        "project": order["project"],
        "workflowType": order.get("workflow_type"),
        "issueNumber": order.get("issue_number"),
        "prompt": order.get("prompt"),
        "on": order.get("on"),
        "modelSet": order.get("model_set"),
        "budgetUsd": _usd(order.get("budget_usd")),
        "priority": order.get("priority", 0),
        "options": order.get("options"),
        "actor": actor,
    }


def _workflow(adw_id: str, *rest: str) -> str:
    return "/".join((_WORKFLOWS, _segment(adw_id), *rest))


def _of_project(
    method: Method,
    reference: str,
    *rest: str,
    params: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    key: str | None = None,
    answer: Literal["json", "text", "bytes"] = "json",
) -> Call[Any]:
    """A path cannot be a part of a path: it travels as a parameter, with `-` in its place."""
    is_path = "/" in reference
    segment = "-" if is_path else _segment(reference)
    query = {**(params or {}), "path": reference if is_path else None}
    path = "/".join(("/api/projects", segment, *rest))
    return Call(method=method, path=path, params=query, body=body, key=key, answer=answer)


def _segment(text: str) -> str:
    if text in {"", ".", ".."}:
        raise UsageError(f"{text!r} names nothing", hint="give an id or the beginning of one")
    return quote(text, safe="")


def _usd(amount: Money | None) -> float | None:
    return None if amount is None else float(amount)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # texts, by the functions above
    return str(value)
