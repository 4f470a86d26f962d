"""The parts of a documenter's task. Whatever others wrote is fenced, part by part."""

from __future__ import annotations

from collections.abc import Mapping

from adw.agents.fence import fence
from adw.agents.review_prompts import FILES_SHOWN, shown_diff
from adw.ports.prompts import DocumentMaterial

PLAN_SHOWN = 20_000
DIFF_SHOWN = 40_000


def document_slots(material: DocumentMaterial) -> Mapping[str, str]:
    """What fills a documenter's task besides the request."""
    return {
        "page_path": material.page_path,
        "changelog": _changelog(material.changelog),
        "problems": _problems(material),
        "plan": _plan(material.plan),
        "changed": fence(_files(material), label="files"),
        "diff": fence(shown_diff(material.diff, most=DIFF_SHOWN), label="diff"),
    }


def _changelog(path: str | None) -> str:
    if path is None:
        return "The project keeps no changelog that asks for a line about this."
    return (
        f"Add a line about this change to the project's changelog, `{path}`, where its newest entries stand and in "
        "their form; leave every other line of it as it is."
    )


def _problems(material: DocumentMaterial) -> str:
    if not material.problems:
        return ""
    listed = fence("\n".join(f"- {each}" for each in material.problems), label="problems")
    return f"What was written before is not accepted yet. Read it, if it is there, and correct this:\n\n{listed}\n\n"


def _plan(plan: str) -> str:
    text = plan.strip()
    if not text:
        return ""
    cut = f"{text[:PLAN_SHOWN]}\n[... {len(text) - PLAN_SHOWN} characters left out ...]"
    return f"This was the plan:\n\n{fence(text if len(text) <= PLAN_SHOWN else cut, label='plan')}\n\n"


def _files(material: DocumentMaterial) -> str:
    files = list(material.changed)
    more = [f"[... and {len(files) - FILES_SHOWN} more ...]"] if len(files) > FILES_SHOWN else []
    return "\n".join([*files[:FILES_SHOWN], *more])
