"""What requests and answers look like, for whoever reads the description of the API: one example for each body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PROJECT = "/srv/invoices"
_ASKED = {"actor": "ann"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "WorkBody": {
        "project": _PROJECT,
        "issueNumber": 7,
        "workflowType": "sdlc",
        "budgetUsd": 2.5,
        "options": {"planApproval": True},
        "actor": "ann",
    },
    "NewWorkBody": {"project": "ann/invoices", "prompt": "Fix the date on invoices", "modelSet": "lightweight"},
    "PhaseBody": {"modelSet": "heavy", "options": {"skipE2e": True}},
    "ExecuteBody": {"slashCommand": "/test"},
    "ActorBody": _ASKED,
    "RetryBody": {"fromPhase": "build", "model": "opus", "message": "Leave the public names as they are."},
    "ForkBody": {"fromPhase": "plan", "modelSet": "heavy", "message": "Try it without a new table."},
    "HandbackBody": {"message": "Round to cents", "actor": "ann"},
    "MessageBody": {"message": "The date has to be that of the order.", "actor": "ann"},
    "AllowBody": {"reason": "as we said", "actor": "ann"},
    "DenyBody": {"reason": "keep the old column", "actor": "ann"},
    "ProjectBody": {"path": _PROJECT, "base": "main"},
    "BudgetBody": {"budgetUsd": 200, "actor": "ann"},
    "IssueBody": {
        "title": "The date on invoices is wrong",
        "body": "It is that of printing.",
        "labels": ["bug"],
        "actor": "ann",
    },
    "CommentBody": {"body": "It is wrong on reminders too.", "actor": "ann"},
    "ReviewBody": {
        "state": "changes_requested",
        "body": "One thing.",
        "comments": [{"path": "invoices/dates.py", "line": 12, "body": "What of leap years?"}],
    },
    "MergeBody": {"expectedHeadSha": "5f1d7a84db00d2fce00b31a7fc73224f3f0b9d6f", "actor": "ann"},
    "CleanupBody": {"dryRun": True},
    "ScheduleBody": {
        "project": _PROJECT,
        "cron": "0 3 * * 1",
        "zone": "Europe/Berlin",
        "prompt": "Bring the dependencies up to date",
        "workflowType": "plan-build-test",
    },
    "ChannelBody": {
        "name": "team",
        "kind": "webhook",
        "url": "https://hooks.example.com/adw",
        "secretEnv": "ADW_NOTIFY_TEAM",
        "person": "ann",
    },
    "RuleBody": {
        "channel": "team",
        "events": ["approval_requested", "workflow_failed"],
        "quietFrom": "22:00",
        "quietUntil": "07:00",
        "zone": "Europe/Berlin",
    },
    "TokenBody": {"name": "deploys", "scope": "operate", "expiresAt": "2030-01-01T00:00:00Z"},
    "ChatBody": {"message": "start sdlc for issue 7 with at most two dollars", "actor": "ann"},
    "SettingsBody": {"budgetUsd": 30, "quietFrom": "22:00", "quietUntil": "07:00", "quietZone": "Europe/Berlin"},
    "CallBody": {"arguments": {"limit": 5}},
    "NewAgentBody": {"name": "date-checker", "template": "researcher", "project": _PROJECT, "budgetUsd": 1},
    "CommandBody": {"command": "Find every place that formats a date."},
    "Problem": {
        "type": "urn:adw:problem:wrong_state",
        "title": "The workflow's status forbids this",
        "status": 409,
        "detail": "workflow 0a1b2c3d is completed",
        "code": "wrong_state",
        "hint": "see what it did with GET /api/adw/workflows/0a1b2c3d",
        "errors": [],
    },
    "EventView": {
        "type": "phase_completed",
        "timestamp": "2026-05-01T10:00:00Z",
        "adwId": "0a1b2c3d",
        "seq": 42,
        "phase": "build",
        "message": "build is done",
        "summary": "build is done",
        "data": {"attempt": 1},
    },
    "ApprovalView": {
        "id": "7f0c3f5e-3a52-4a53-9b5e-2d7a0f6f3a11",
        "adwId": "0a1b2c3d",
        "kind": "plan",
        "question": "Is this plan right?",
        "data": {},
        "decision": "pending",
        "reason": None,
        "decidedBy": None,
        "decidedAt": None,
        "editedInput": None,
        "createdAt": "2026-05-01T10:00:00Z",
    },
}
"""By the name of the schema."""


def show_examples(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Puts them into the schemas they are of."""
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [dict(example)]
