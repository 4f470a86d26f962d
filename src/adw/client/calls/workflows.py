"""Calls that hand in work, steer it and answer what it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from adw.client import types as t
from adw.client.calls.call import WORKFLOWS, Call, Money, of_workflow, segment, usd


def create_workflow(order: t.OrderFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    return Call(method="POST", path=WORKFLOWS, body=_order(order, actor=actor), key=key)


def preview_workflow(order: t.OrderFields, *, actor: str) -> Call[t.PreviewDict]:
    return Call(method="POST", path=f"{WORKFLOWS}/preview", body=_order(order, actor=actor))


def patch_workflow(work: t.WorkFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    return Call(method="POST", path=f"{WORKFLOWS}/patch", body=_order(work, actor=actor), key=key)


def quick_workflow(kind: str, work: t.WorkFields, *, actor: str, key: str | None) -> Call[t.AcceptedDict]:
    path = f"{WORKFLOWS}/quick/{quote(kind, safe='')}"
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
    return Call(method="POST", path=of_workflow(adw_id, phase), body=body, key=key)


def list_workflows(
    *,
    status: Sequence[str],
    kind: str | None,
    project: str | None,
    text: str | None,
    since: str | None,
    limit: int,
    after: str | None,
) -> Call[t.WorkflowPageDict]:
    params = {
        "status": tuple(status),
        "kind": kind,
        "project": project,
        "text": text,
        "since": since,
        "limit": limit,
        "after": after,
    }
    return Call(method="GET", path=WORKFLOWS, params=params)


def get_workflow(adw_id: str) -> Call[t.WorkflowDict]:
    return Call(method="GET", path=of_workflow(adw_id))


def act(adw_id: str, action: Literal["pause", "resume", "cancel"], *, actor: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="POST", path=of_workflow(adw_id, action), body={"actor": actor})


def retry(
    adw_id: str, *, from_phase: str | None, discard_foreign: bool, actor: str, otherwise: t.OtherwiseFields
) -> Call[t.WorkflowAnswerDict]:
    body = {"fromPhase": from_phase, "discardForeign": discard_foreign, "actor": actor, **_otherwise(otherwise)}
    return Call(method="POST", path=of_workflow(adw_id, "retry"), body=body)


def fork(
    adw_id: str,
    *,
    from_phase: str,
    workflow_type: str | None,
    actor: str,
    key: str | None,
    otherwise: t.OtherwiseFields,
) -> Call[t.AcceptedDict]:
    body = {"fromPhase": from_phase, "workflowType": workflow_type, "actor": actor, **_otherwise(otherwise)}
    return Call(method="POST", path=of_workflow(adw_id, "fork"), body=body, key=key)


def compare(first: str, second: str) -> Call[t.ComparisonDict]:
    return Call(method="GET", path=of_workflow(first, "compare", segment(second)))


def takeover(adw_id: str, *, actor: str) -> Call[t.TakeoverDict]:
    return Call(method="POST", path=of_workflow(adw_id, "takeover"), body={"actor": actor})


def handback(adw_id: str, *, message: str | None, actor: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="POST", path=of_workflow(adw_id, "handback"), body={"message": message, "actor": actor})


def send_message(adw_id: str, *, message: str, actor: str) -> Call[t.MessageDict]:
    return Call(method="POST", path=of_workflow(adw_id, "message"), body={"message": message, "actor": actor})


def execute(
    adw_id: str, *, command: str | None, prompt: str | None, actor: str, key: str | None
) -> Call[t.AcceptedDict]:
    body = {"slashCommand": command, "customPrompt": prompt, "actor": actor}
    return Call(method="POST", path=of_workflow(adw_id, "execute"), body=body, key=key)


def messages(adw_id: str) -> Call[t.MessageListDict]:
    return Call(method="GET", path=of_workflow(adw_id, "messages"))


def agents() -> Call[t.AgentListDict]:
    return Call(method="GET", path="/api/agents")


def delete_workflow(adw_id: str) -> Call[t.WorkflowAnswerDict]:
    return Call(method="DELETE", path=of_workflow(adw_id))


def approvals(*, adw_id: str | None, pending: bool) -> Call[t.ApprovalListDict]:
    return Call(method="GET", path="/api/approvals", params={"adwId": adw_id, "pending": pending})


def decide(
    reference: str,
    decision: Literal["allow", "deny"],
    *,
    reason: str | None,
    budget_usd: Money | None,
    actor: str,
    plan: str | None = None,
    tool_input: Mapping[str, Any] | None = None,
) -> Call[t.DecidedDict]:
    edited: dict[str, Any] = {} if plan is None else {"plan": plan}
    if tool_input is not None:
        edited["input"] = dict(tool_input)
    body = {"reason": reason, "budgetUsd": usd(budget_usd), "actor": actor, **edited}
    return Call(method="POST", path=f"/api/approvals/{segment(reference)}/{decision}", body=body)


def _order(order: t.WorkFields | t.OrderFields, *, actor: str) -> dict[str, Any]:
    return {
        "project": order["project"],
        "workflowType": order.get("workflow_type"),
        "issueNumber": order.get("issue_number"),
        "prompt": order.get("prompt"),
        "createIssue": order.get("create_issue", False),
        "on": order.get("on"),
        "modelSet": order.get("model_set"),
        "budgetUsd": usd(order.get("budget_usd")),
        "priority": order.get("priority", 0),
        "dependsOn": list(order.get("depends_on", ())),
        "options": order.get("options"),
        "actor": actor,
    }


def _otherwise(chosen: t.OtherwiseFields) -> dict[str, str]:
    named = {"modelSet": chosen.get("model_set"), "model": chosen.get("model"), "message": chosen.get("message")}
    return {name: value for name, value in named.items() if value is not None}
