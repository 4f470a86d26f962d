"""One workflow as a person reads it: how it stands, what each phase took, what every gate found on which commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from adw.cli.output import ago, dollars, duration, first_line, one_line, print_fields, print_table, printable, say
from adw.cli.people import print_clashes, print_unheard, status_of, way_back

if TYPE_CHECKING:
    from adw.client.types import EvidenceDict, FailingTestDict, PhaseAttemptDict, UsageDict, WorkflowDict

_MOST_TESTS = 10
_MOST_LINES = 4
_SHA = 10


def print_workflow(
    view: WorkflowDict, *, evidence: Sequence[EvidenceDict], attempts: Sequence[PhaseAttemptDict]
) -> None:
    """Everything `adw workflow show` tells."""
    _print_facts(view)
    print()
    _print_phases(view)
    _print_failed_attempts(attempts)
    _print_summaries(attempts)
    _print_tests(view)
    _print_gates(evidence)
    for found in evidence:
        if found["failures"]:
            _print_failures(found)
    print_clashes(view)
    print_unheard(view)
    if view["approvals"]:
        from adw.cli.watch import answer_lines

        print()
        for line in answer_lines(view):
            print(line)
    _say_next(view, evidence)


def _print_facts(view: WorkflowDict) -> None:
    failure = view["failure"]
    budget = "" if view["budgetUsd"] is None else f" of {dollars(view['budgetUsd'])}"
    print_fields(
        {
            "workflow": f"{view['adwId']} ({view['workflowType']})",
            "status": status_of(view),
            "held": way_back(view),
            "after": ", ".join(view["dependsOn"]) or None,
            "phase": view["phase"],
            "project": view["projectId"],
            "issue": _issue(view),
            "base": f"{view['baseBranch']} at {view['baseSha'][:_SHA]}",
            "branch": _branch(view),
            "pull": None if view["prNumber"] is None else f"#{view['prNumber']} {view['prState']}",
            "plan": view["planFile"],
            "forked": None if view["forkedFrom"] is None else f"from {view['forkedFrom']}",
            "forks": ", ".join(view["forks"]) or None,
            "worktree": view["worktreePath"] if view["worktreeExists"] else None,
            "spent": f"{_spent(view)}{budget}",
            "model": _model(view["usage"]),
            "created": ago(view["createdAt"]),
            "failure": None if failure is None else f"{printable(failure['message'])} [{failure['class']}]",
            "advice": None if failure is None else failure["advice"],
        }
    )


def _issue(view: WorkflowDict) -> str:
    number = "" if view["issueNumber"] is None else f"#{view['issueNumber']} "
    return f"{number}{one_line(view['issueTitle'])}"


def _branch(view: WorkflowDict) -> str | None:
    if view["branchName"] is None:
        return None
    head = view["headSha"]
    return view["branchName"] if head is None else f"{view['branchName']} at {head[:_SHA]}"


def _spent(view: WorkflowDict) -> str:
    if view["usage"]["costUsd"] is None:
        return f"unknown, at least {dollars(view['spentUsd'])}"
    return dollars(view["spentUsd"])


def _model(used: UsageDict) -> str:
    return f"{used['requests']} requests, {used['inputTokens']} tokens in, {used['outputTokens']} out"


def _print_phases(view: WorkflowDict) -> None:
    rows: list[tuple[object, ...]] = [
        (
            each["name"],
            each["status"],
            each["attempts"],
            duration(each["durationMs"]),
            dollars(each["costUsd"]),
            each["inputTokens"],
            each["outputTokens"],
        )
        for each in view["phases"]
    ]
    used = view["usage"]
    attempts = sum(each["attempts"] for each in view["phases"])
    total = duration(_elapsed_ms(view))
    rows.append(("total", "", attempts, total, dollars(used["costUsd"]), used["inputTokens"], used["outputTokens"]))
    headers = ("PHASE", "STATUS", "ATTEMPTS", "TIME", "COST", "TOKENS IN", "OUT")
    print_table(headers, rows, empty="no phases")


def _elapsed_ms(view: WorkflowDict) -> float | None:
    """From the start of the work to its end."""
    started, ended = view["startedAt"], view["completedAt"]
    if started is None or ended is None:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds() * 1000


def _print_failed_attempts(attempts: Sequence[PhaseAttemptDict]) -> None:
    failed = [each for each in attempts if each["failure"] is not None]
    if failed:
        print()
        rows = [
            (each["phase"], each["attempt"], each["failure"]["class"], first_line(each["failure"]["message"]))
            for each in failed
            if each["failure"] is not None
        ]
        print_table(("FAILED", "ATTEMPT", "CLASS", "WHY"), rows, empty="")


def _print_summaries(attempts: Sequence[PhaseAttemptDict]) -> None:
    """What a model says of each attempt, where the project wants that."""
    for each in attempts:
        if each["summary"] is not None:
            again = f" {each['attempt']}" if each["attempt"] > 1 else ""
            print(f"\n{each['phase']}{again}: {printable(each['summary'])}")


def _print_tests(view: WorkflowDict) -> None:
    tests = view["tests"]
    named = (("before", tests["before"]), ("after build", tests["afterBuild"]), ("final", tests["final"]))
    known = [(name, counts) for name, counts in named if counts is not None]
    if known:
        print()
        rows = [(name, each["passed"], each["failed"], each["skipped"]) for name, each in known]
        print_table(("TESTS", "PASSED", "FAILED", "SKIPPED"), rows, empty="")


def _print_gates(evidence: Sequence[EvidenceDict]) -> None:
    if evidence:
        print()
        rows = [
            (
                each["gate"],
                f"{each['phase']} {each['attempt']}",
                each["outcome"].replace("_", " ") + (" (superseded)" if each["superseded"] else ""),
                each["commit"][:_SHA],
                one_line(each["summary"]),
                each["artifact"],
            )
            for each in evidence
        ]
        print_table(("GATE", "PHASE", "RESULT", "COMMIT", "FOUND", "REPORT"), rows, empty="")


def _print_failures(found: EvidenceDict) -> None:
    print(f"\n{found['gate']} in {found['phase']} {found['attempt']} at {found['commit'][:_SHA]}:")
    for test in found["failures"][:_MOST_TESTS]:
        for line in _failure_lines(test):
            print(f"  {line}")
    more = found["failureCount"] - _MOST_TESTS
    if more > 0:
        print(f"  and {more} more")


def _failure_lines(test: FailingTestDict) -> list[str]:
    lines = [line for line in printable(test["error"] or "").splitlines() if line.strip()]
    return [f"{test['kind']}: {printable(test['testId'])}", *(f"    {line.rstrip()}" for line in lines[:_MOST_LINES])]


def _say_next(view: WorkflowDict, evidence: Sequence[EvidenceDict]) -> None:
    adw_id = view["adwId"]
    if any(each["artifact"] for each in evidence):
        say(f"\nsee a report with `adw workflow artifacts {adw_id} NAME`, the change with `adw workflow diff {adw_id}`")
