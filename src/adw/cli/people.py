"""What people have to do with a workflow: who holds it, what it asks them, what they have said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from adw.cli.output import ago, one_line, print_table, printable, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adw.client.types import ApprovalDict, WorkflowDict, WorkflowSummaryDict


_WHY = 100
_MOST_OF_INPUT = 4_000


def status_of(view: WorkflowSummaryDict) -> str:
    """The status with what it waits for, or in whose hands it is."""
    if view["heldBy"] is not None:
        return f"{view['status']} (held by {one_line(view['heldBy'], width=30)})"
    if view["queuedBecause"] is not None:
        return f"{view['status']}: {one_line(view['queuedBecause']['detail'], width=_WHY)}"
    return f"{view['status']} ({_waited_for(view)})" if view["waitReason"] else view["status"]


def question_lines(asked: ApprovalDict) -> list[str]:
    """The whole question, and the commands that answer it."""
    short = str(asked["id"])[:8]
    raising = " --budget USD" if asked["kind"] == "budget" else ""
    if asked["kind"] == "question":
        return [
            printable(asked["question"]),
            f'  adw approval answer {short} "..."',
            f"  adw approval deny {short}",
        ]
    data = asked.get("data", {})
    edited = []
    if "planFile" in data and "branchName" in data:
        plan = printable(f"{data['branchName']}:{data['planFile']}")
        edited = [f"  git show {plan} > plan.md; adw approval allow {short} --plan plan.md"]
    if asked["kind"] == "tool":
        given = json.dumps(data.get("input"), ensure_ascii=False)
        return [
            printable(asked["question"]),
            f"  input: {one_line(given, width=_MOST_OF_INPUT)}",
            f"  adw approval allow {short}",
            f"  adw approval allow {short} --input FILE",
            f'  adw approval deny {short} --reason "..."',
        ]
    return [
        printable(asked["question"]),
        f"  adw approval allow {short}{raising}",
        *edited,
        f'  adw approval deny {short} --reason "..."',
    ]


def say_questions(asked: Sequence[ApprovalDict], *, held: Sequence[WorkflowSummaryDict] = ()) -> None:
    """Below a list: what is asked, with the commands that answer, and how to give back what is held."""
    for each in asked:
        say(f"\nworkflow {each['adwId']} asks ({each['kind']}):")
        for line in question_lines(each):
            say(line)
    for each in held:
        say(f"\nworkflow {each['adwId']} is held {way_back(each)}")


def way_back(view: WorkflowSummaryDict) -> str | None:
    """Who holds the worktree, and how they give it back; None while nobody does."""
    if view["heldBy"] is None:
        return None
    return f"by {one_line(view['heldBy'])}; it goes on after `adw workflow handback {view['adwId']}`"


def print_clashes(view: WorkflowDict) -> None:
    """What its open pull request would conflict with."""
    if view["clashes"]:
        print()
        rows = [(each["branch"], each["adwId"] or "", one_line(", ".join(each["files"]))) for each in view["clashes"]]
        print_table(("WOULD CONFLICT WITH", "WORKFLOW", "IN"), rows, empty="")


def print_unheard(view: WorkflowDict) -> None:
    """What was said and no agent has heard yet."""
    if view["unheard"]:
        print()
        rows = [(each["author"], ago(each["createdAt"]), one_line(each["body"])) for each in view["unheard"]]
        print_table(("NOT YET HEARD FROM", "SAID", "MESSAGE"), rows, empty="")


def _waited_for(view: WorkflowSummaryDict) -> str:
    """The reason; until when, or whose budget it is, where it goes on by itself."""
    until, scope = view.get("resumeAt"), view.get("waitScope")
    if until is not None:
        return f"{view['waitReason']} until {until[:19].replace('T', ' ')} UTC"
    return f"{view['waitReason']}: {scope.replace('_', ' ')}" if scope is not None else str(view["waitReason"])
