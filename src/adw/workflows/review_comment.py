"""The comment a finished review leaves on the pull request: what was found, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.review import ReviewVerdict, Severity, TrackedFinding
from adw.workflows.comments import cell
from adw.workflows.review_course import Course, round_sentence

_ORDER = list(reversed(Severity))
_MAX_ROWS = 100


def review_comment(course: Course, *, end: str | None = None) -> str:
    """Verdict, summary and a table of findings, open ones first. `end` says why the review failed."""
    approved = end is None and course.verdict is ReviewVerdict.APPROVED
    heading = "Review: approved" if approved else f"Review: not approved ({course.verdict})"
    said = cell(end or round_sentence(course))
    lines = [f"**{heading}** on `{course.head[:12]}`", "", f"{said[:1].upper()}{said[1:]}."]
    if course.summary:
        lines += ["", *(f"> {line}" for line in course.summary.splitlines())]
    return "\n".join([*lines, *_table(course.findings)])


def _table(findings: Sequence[TrackedFinding]) -> list[str]:
    if not findings:
        return []
    ordered = sorted(findings, key=lambda each: (not each.is_open, _ORDER.index(each.finding.severity), each.id))
    lines = ["", "| finding | severity | status | what | suggested |", "|---|---|---|---|---|"]
    lines += [_row(each) for each in ordered[:_MAX_ROWS]]
    return [*lines, *([f"\n{len(ordered) - _MAX_ROWS} more are in the report."] if len(ordered) > _MAX_ROWS else [])]


def _row(each: TrackedFinding) -> str:
    found = each.finding
    shown = f" (see `{found.screenshot}`)" if found.screenshot else ""
    what = f"{cell(found.description)}{shown}"
    return f"| {each.id} | {found.severity} | {each.status} | {what} | {cell(found.resolution)} |"
