"""JSON schemas of the agents' structured answers.

They ask for no more than our code cannot mend: lengths and forms of names are put right where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adw.domain.agent import Role

ISSUE_CLASSES = ("feature", "bug", "chore", "patch")

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}


def _object(properties: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": list(properties),
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

SCHEMAS: Mapping[Role, Mapping[str, Any] | None] = {
    Role.CLASSIFIER: CLASSIFICATION,
    Role.PLANNER: None,
    Role.IMPLEMENTOR: IMPLEMENTATION,
    Role.RESOLVER: RESOLUTION,
}
"""The answer each role ends with; the planner's answer is the file it writes."""
