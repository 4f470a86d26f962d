"""Which events we read, and what their bodies look like from outside.

The name of an event stands in a header that nobody signs. A body that was recorded and is sent again under another
name must not be taken for that other event, so each event is known by what it has and by what it lacks.
"""

from __future__ import annotations

from collections.abc import Mapping

from adw.domain.triggers import Refused, Why

SHAPES: Mapping[str, frozenset[str]] = {
    "ping": frozenset({"zen", "hook_id", "hook"}),
    "issues": frozenset({"action", "issue", "repository", "sender"}),
    "issue_comment": frozenset({"action", "issue", "comment", "repository", "sender"}),
    "pull_request": frozenset({"action", "number", "pull_request", "repository", "sender"}),
    "pull_request_review": frozenset({"action", "pull_request", "review", "repository", "sender"}),
    "pull_request_review_comment": frozenset({"action", "pull_request", "comment", "repository", "sender"}),
    "pull_request_review_thread": frozenset({"action", "pull_request", "thread", "repository", "sender"}),
    "check_run": frozenset({"action", "check_run", "repository", "sender"}),
    "check_suite": frozenset({"action", "check_suite", "repository", "sender"}),
    "workflow_run": frozenset({"action", "workflow_run", "workflow", "repository", "sender"}),
    "workflow_job": frozenset({"action", "workflow_job", "repository", "sender"}),
    "status": frozenset({"sha", "state", "context", "branches", "repository", "sender"}),
    "push": frozenset({"ref", "before", "after", "commits", "repository", "sender"}),
}

_MARKS = frozenset(
    {
        *("zen", "issue", "comment", "pull_request", "review", "thread", "check_run", "check_suite", "workflow_run"),
        *("workflow_job", "context", "commits", "discussion", "deployment", "deployment_status", "merge_group"),
    }
)
"""What tells one event from another."""

_ALSO: Mapping[str, frozenset[str]] = {"workflow_job": frozenset({"deployment"})}
"""Marks an event may have besides its own."""


def check_shape(event: str, names: frozenset[str]) -> None:
    """Raises Refused unless a body with these names at its top can be one of this event."""
    missing = SHAPES[event] - names
    foreign = (names & _MARKS) - SHAPES[event] - _ALSO.get(event, frozenset())
    if missing:
        raise Refused(Why.WRONG_SHAPE, f"the body of `{event}` lacks {', '.join(sorted(missing))}")
    if foreign:
        raise Refused(Why.WRONG_SHAPE, f"the body is not one of `{event}`: it has {', '.join(sorted(foreign))}")
