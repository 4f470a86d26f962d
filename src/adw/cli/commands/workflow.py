"""`adw workflow`: see what runs, and steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.commands import steering, workflow_view
from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import ago, dollars, first_line, print_json, print_table
from adw.cli.people import say_questions, status_of
from adw.cli.repository import repository
from adw.cli.session import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adw.client import AdwClient
    from adw.client.types import ApprovalDict, WorkflowSummaryDict

app = typer.Typer(help="See what runs, and steer it.", rich_markup_mode=None)


@app.command("list")
def list_workflows(
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only these; may be repeated: queued, active, waiting, ...")
    ] = None,
    repo: Annotated[str | None, typer.Option("--repo", metavar="PATH", help="Only of this repository.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Only with this in the issue's title or branch.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")] = 30,
    as_json: JsonFlag = False,
) -> None:
    """List workflows, newest first."""
    with connect() as client:
        project = None if repo is None else repository(repo).reference
        found = client.list_workflows(status=status or (), project=project, text=text, limit=limit)
        if as_json:
            return print_json(found)
        asked = _asked(client, found["workflows"])
    headers = ("ID", "STATUS", "PHASE", "KIND", "ISSUE", "PR", "SPENT", "UPDATED", "TITLE")
    print_table(headers, [_row(each) for each in found["workflows"]], empty="no workflows")
    return say_questions(asked, held=[each for each in found["workflows"] if each["heldBy"] is not None])


for _name, _command in (
    ("show", workflow_view.show),
    ("logs", workflow_view.logs),
    ("diff", workflow_view.diff),
    ("transcript", workflow_view.transcript),
    ("artifacts", workflow_view.artifacts),
    ("retry", steering.retry),
    ("fork", steering.fork),
    ("compare", steering.compare),
    ("takeover", steering.takeover),
    ("handback", steering.handback),
):
    app.command(_name)(_command)


@app.command("pause")
def pause(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Stop a workflow until it is resumed."""
    with connect() as client:
        steering.answer(client.pause(adw_id)["workflow"], as_json=as_json)


@app.command("resume")
def resume(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """Continue a paused workflow."""
    with connect() as client:
        steering.answer(client.resume(adw_id)["workflow"], as_json=as_json)


@app.command("cancel")
def cancel(adw_id: AdwId, *, as_json: JsonFlag = False) -> None:
    """End a workflow for good; its branch stays."""
    with connect() as client:
        steering.answer(client.cancel(adw_id)["workflow"], as_json=as_json)


def _asked(client: AdwClient, listed: Sequence[WorkflowSummaryDict]) -> list[ApprovalDict]:
    """What the listed workflows ask."""
    waiting = {each["adwId"] for each in listed if each["waitReason"] is not None}
    if not waiting:
        return []
    return [each for each in client.approvals(pending=True)["approvals"] if each["adwId"] in waiting]


def _row(each: WorkflowSummaryDict) -> tuple[object, ...]:
    pull = "" if each["prNumber"] is None else f"#{each['prNumber']} {each['prState']}"
    return (
        each["adwId"],
        status_of(each),
        each["phase"],
        each["workflowType"],
        "" if each["issueNumber"] is None else f"#{each['issueNumber']}",
        pull,
        dollars(each["spentUsd"]),
        ago(each["updatedAt"]),
        first_line(each["issueTitle"], width=60),
    )
