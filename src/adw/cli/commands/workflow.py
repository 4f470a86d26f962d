"""`adw workflow`: see what runs, and steer it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import ago, dollars, duration, first_line, print_fields, print_json, print_table, say
from adw.cli.session import connect, repository

if TYPE_CHECKING:
    from adw.client.types import WorkflowDict, WorkflowSummaryDict

app = typer.Typer(help="See what runs, and steer it.", rich_markup_mode=None)


@app.command("list")
def list_workflows(
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only these; may be repeated: queued, active, waiting, ...")
    ] = None,
    repo: Annotated[Path | None, typer.Option("--repo", metavar="PATH", help="Only of this repository.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Only with this in the issue's title or branch.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 30,
    as_json: JsonFlag = False,
) -> None:
    """List workflows, newest first."""
    with connect() as client:
        project = None if repo is None else str(repository(repo))
        found = client.list_workflows(status=status or (), project=project, text=text, limit=limit)
    if as_json:
        return print_json(found)
    headers = ("ID", "STATUS", "PHASE", "KIND", "ISSUE", "PR", "SPENT", "UPDATED", "TITLE")
    return print_table(headers, [_row(each) for each in found["workflows"]], empty="no workflows")


@app.command("show")
def show(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Show one workflow: phases, tests, gates, cost."""
    with connect() as client:
        view = client.get_workflow(adw_id)
    if as_json:
        return print_json(view)
    return _print_view(view)


@app.command("logs")
def logs(
    adw_id: AdwId,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the workflow has ended.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what happened in a workflow.

    With --json one document, or with --follow one event a line.
    """
    from adw.cli.logs import follow_events, print_events

    if follow:
        return follow_events(adw_id, as_json=as_json)
    return print_events(adw_id, as_json=as_json)


@app.command("diff")
def diff(adw_id: AdwId) -> None:
    """Show what a workflow has changed so far."""
    with connect() as client:
        print(client.diff(adw_id), end="")


@app.command("pause")
def pause(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Stop a workflow until it is resumed."""
    with connect() as client:
        _answer(client.pause(adw_id)["workflow"], as_json=as_json)


@app.command("resume")
def resume(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Continue a paused workflow."""
    with connect() as client:
        _answer(client.resume(adw_id)["workflow"], as_json=as_json)


@app.command("cancel")
def cancel(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """End a workflow for good; its branch stays."""
    with connect() as client:
        _answer(client.cancel(adw_id)["workflow"], as_json=as_json)


@app.command("retry")
def retry(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Run the failed phase of a workflow again."""
    with connect() as client:
        _answer(client.retry(adw_id)["workflow"], as_json=as_json)


def _answer(view: WorkflowDict, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        say(f"workflow {view['adwId']} is {view['status']}")


def _row(each: WorkflowSummaryDict) -> tuple[object, ...]:
    reason = f" ({each['waitReason']})" if each["status"] == "waiting" else ""
    pull = "" if each["prNumber"] is None else f"#{each['prNumber']} {each['prState']}"
    return (
        each["adwId"],
        f"{each['status']}{reason}",
        each["phase"],
        each["workflowType"],
        "" if each["issueNumber"] is None else f"#{each['issueNumber']}",
        pull,
        dollars(each["spentUsd"]),
        ago(each["updatedAt"]),
        first_line(each["issueTitle"], width=60),
    )


def _print_view(view: WorkflowDict) -> None:
    failure, used = view["failure"], view["usage"]
    budget = "" if view["budgetUsd"] is None else f" of {dollars(view['budgetUsd'])}"
    print_fields(
        {
            "workflow": f"{view['adwId']} ({view['workflowType']})",
            "status": view["status"] + (f" ({view['waitReason']})" if view["waitReason"] else ""),
            "phase": view["phase"],
            "project": view["projectId"],
            "issue": f"#{view['issueNumber']} {view['issueTitle']}",
            "branch": view["branchName"],
            "pull": None if view["prNumber"] is None else f"#{view['prNumber']} {view['prState']}",
            "plan": view["planFile"],
            "worktree": view["worktreePath"] if view["worktreeExists"] else None,
            "spent": f"{dollars(view['spentUsd'])}{budget}",
            "model": f"{used['requests']} requests, {used['inputTokens']} tokens in, {used['outputTokens']} out",
            "created": ago(view["createdAt"]),
            "failure": None if failure is None else f"{failure['message']} [{failure['class']}]",
            "advice": None if failure is None else failure["advice"],
        }
    )
    print()
    rows = [
        (each["name"], each["status"], each["attempts"], duration(each["durationMs"]), dollars(each["costUsd"]))
        for each in view["phases"]
    ]
    print_table(("PHASE", "STATUS", "ATTEMPTS", "TIME", "COST"), rows, empty="no phases")
    _print_findings(view)


def _print_findings(view: WorkflowDict) -> None:
    tests = view["tests"]
    named = (("before", tests["before"]), ("after build", tests["afterBuild"]), ("final", tests["final"]))
    known = [(name, counts) for name, counts in named if counts is not None]
    if known:
        print()
        rows = [(name, each["passed"], each["failed"], each["skipped"]) for name, each in known]
        print_table(("TESTS", "PASSED", "FAILED", "SKIPPED"), rows, empty="")
    if view["gates"]:
        print()
        gates = [(each["gate"], each["outcome"], each["commit"][:10], each["summary"]) for each in view["gates"]]
        print_table(("GATE", "OUTCOME", "COMMIT", "FOUND"), gates, empty="")
    if view["approvals"]:
        from adw.cli.watch import answer_lines

        print()
        for line in answer_lines(view):
            print(line)
