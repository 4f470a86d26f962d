"""JSON schemas of the agents' structured answers.

They ask for no more than our code cannot mend: lengths and forms of names are put right where they are used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from adw.domain.agent import Role
from adw.domain.review import Severity

ISSUE_CLASSES = ("feature", "bug", "chore", "patch")

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}


def _object(properties: Mapping[str, Mapping[str, Any]], *, optional: Collection[str] = ()) -> dict[str, Any]:
    """An object that has exactly these properties, some of them only if there is something to say."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


CLASSIFICATION = _object(
    {
        "issue_class": {"type": "string", "enum": list(ISSUE_CLASSES)},
        "slug": _TEXT,
        "title": _TEXT,
    }
)
IMPLEMENTATION = _object(
    {
        "summary": _TEXT,
        "commit_message": _TEXT,
        "pull_request_title": _TEXT,
        "pull_request_body": _TEXT,
    }
)
RESOLUTION = _object({"summary": _TEXT, "commit_message": _TEXT})

REVIEW_ISSUE = _object(
    {
        "review_issue_number": {"type": "integer", "minimum": 1},
        "issue_description": _TEXT,
        "issue_resolution": {"type": "string"},
        "issue_severity": {"type": "string", "enum": [each.value for each in Severity]},
        "screenshot_path": {"type": "string"},
    },
    optional={"screenshot_path"},
)
REVIEW = _object(
    {
        "success": {"type": "boolean", "description": "true exactly when no blocker is open"},
        "review_summary": _TEXT,
        "review_issues": {"type": "array", "items": REVIEW_ISSUE},
        "screenshots": {"type": "array", "items": {"type": "string"}},
    },
    optional={"screenshots"},
)
ANSWER = _object(
    {
        "item": {"type": "integer", "minimum": 1},
        "outcome": {"type": "string", "enum": ["done", "declined", "open"]},
        "reply": _TEXT,
    }
)
RESPONSE = _object(
    {"summary": _TEXT, "commit_message": _TEXT, "answers": {"type": "array", "items": ANSWER}},
)
"""What an implementor answers in a round on a pull request."""

DOCUMENTATION = _object({"summary": _TEXT, "commit_message": _TEXT})

SCHEMAS: Mapping[Role, Mapping[str, Any] | None] = {
    Role.CLASSIFIER: CLASSIFICATION,
    Role.PLANNER: None,
    Role.IMPLEMENTOR: IMPLEMENTATION,
    Role.RESOLVER: RESOLUTION,
    Role.REVIEWER: REVIEW,
    Role.PATCHER: RESOLUTION,
    Role.DOCUMENTER: DOCUMENTATION,
    Role.SPECIALIST: RESOLUTION,
}
"""The answer each role ends with; the planner's answer is the file it writes."""
