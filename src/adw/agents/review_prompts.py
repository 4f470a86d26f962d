"""The parts of a reviewer's and a patcher's task. Whatever others wrote or printed is fenced, part by part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from adw.agents.fence import fence
from adw.domain.review import TrackedFinding
from adw.ports.prompts import ReviewMaterial

DIFF_SHOWN = 60_000
"""Characters of a change that are shown in the prompt; the rest can be read."""
FILE_DIFF_SHOWN = 16_000
FILES_SHOWN = 200

_SECTION = re.compile(r"^(?=diff --git )", re.MULTILINE)


def review_slots(material: ReviewMaterial) -> Mapping[str, str]:
    """What fills a reviewer's task besides the request."""
    return {
        "round": str(material.round_number),
        "plan": _part("This was the plan:", material.plan, label="plan"),
        "evidence": _part(
            "What was checked before you, by running it. Judge whether tests that are gone or skipped had to be:",
            "\n".join(f"- {each}" for each in material.evidence),
            label="evidence",
        ),
        "open": _part(
            "Found in earlier rounds and not yet seen mended. Look at each again, and repeat those that still hold"
            " under their numbers:",
            _listed(material.open_findings),
            label="findings",
        ),
        "app": _app(material),
        "change": _change(material),
    }


def findings_text(findings: Sequence[TrackedFinding]) -> str:
    """What a patcher has to put right, one fence for each finding."""
    return "\n\n".join(fence(_listed([each]), label="finding") for each in findings)


def shown_diff(diff: str, *, most: int = DIFF_SHOWN, most_of_a_file: int = FILE_DIFF_SHOWN) -> str:
    """As much of a diff as fits: each file's part cut to its share, and whole parts left out at the end, by name."""
    shown: list[str] = []
    left_out: list[str] = []
    room = most
    for section in _SECTION.split(diff):
        if not section:
            continue
        part = _cut(section, most_of_a_file)
        if len(part) > room:
            left_out.append(section.partition("\n")[0].removeprefix("diff --git "))
            continue
        shown.append(part)
        room -= len(part)
    if left_out:
        shown.append(f"[... not shown: {len(left_out)} files, such as {', '.join(left_out[:10])} ...]")
    return "\n".join(part.rstrip("\n") for part in shown)


def _change(material: ReviewMaterial) -> str:
    files = list(material.files)
    listed = "\n".join(files[:FILES_SHOWN])
    more = f"\n[... and {len(files) - FILES_SHOWN} more ...]" if len(files) > FILES_SHOWN else ""
    shown = shown_diff(material.diff)
    whole = f"\n\nThe whole difference is in the file {material.diff_file}." if material.diff_file else ""
    return f"{fence(listed + more, label='files')}\n\n{fence(shown, label='diff')}{whole}"


def _app(material: ReviewMaterial) -> str:
    pictures = "\n".join(f"- {path}" for path in material.pictures)
    looked = f"Pictures of it, to be looked at with Read:\n\n{pictures}\n" if pictures else ""
    noted = _part("The application was started on this change:", material.app_note, label="application")
    return f"{noted}{looked}"


def _listed(findings: Sequence[TrackedFinding]) -> str:
    return "\n".join(_finding(each) for each in findings)


def _finding(tracked: TrackedFinding) -> str:
    finding = tracked.finding
    resolution = f"\n    Suggested: {' '.join(finding.resolution.split())}" if finding.resolution else ""
    return f"- {tracked.id} ({finding.severity}): {' '.join(finding.description.split())}{resolution}"


def _part(heading: str, text: str | None, *, label: str) -> str:
    if not text or not text.strip():
        return ""
    return f"\n{heading}\n\n{fence(text, label=label)}\n"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[... {len(text) - most} characters of this file's change left out ...]\n"
