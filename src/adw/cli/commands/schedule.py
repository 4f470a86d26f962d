"""`adw schedule`: work that starts by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.commands.trigger import reference_of
from adw.cli.options import JsonFlag, Repo
from adw.cli.output import print_json, print_table, say
from adw.cli.repository import repository
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client.types import ScheduleDict

app = typer.Typer(help="Work that starts by the clock, as long as a server with a worker runs.", rich_markup_mode=None)

_HEADERS = ("ID", "PROJECT", "CRON", "ZONE", "KIND", "NEXT (UTC)", "BY", "WHAT")
_EMPTY = 'no schedules; add one with `adw schedule add "0 3 * * 1" "Update the dependencies"`'
_SHOWN_CHARS = 60


@app.command("add")
def add_schedule(
    cron: Annotated[str, typer.Argument(metavar="CRON", help='Five fields, e.g. "0 3 * * 1": Mondays at three.')],
    prompt: Annotated[str, typer.Argument(metavar="SENTENCE", help="What is to be done then.")],
    *,
    repo: Repo = ".",
    workflow: Annotated[
        str | None, typer.Option("--workflow", "-w", metavar="KIND", help="Which phases run; sdlc unless named.")
    ] = None,
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE", help="The time zone, e.g. Europe/Berlin.")] = "UTC",
    as_json: JsonFlag = False,
) -> None:
    """Add work that starts by the clock; the same plan again is the schedule there is."""
    with connect() as client:
        made = client.add_schedule(
            repository(repo).reference, cron=cron, prompt=prompt, zone=zone, workflow_type=workflow
        )
    if as_json:
        return print_json(made)
    return print_schedules([made])


@app.command("list")
def list_schedules(
    *,
    project: Annotated[
        str | None, typer.Option("--project", metavar="PROJECT", help="Only of this project: its name, id or path.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List schedules, the next due first; those of a project's adw.toml too."""
    with connect() as client:
        found = client.schedules(project=reference_of(project))
    if as_json:
        return print_json(found)
    return print_schedules(found["schedules"])


@app.command("remove")
def remove_schedule(
    schedule_id: Annotated[str, typer.Argument(metavar="ID", help="As `adw schedule list` shows it.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Remove a schedule; what it already started goes on."""
    with connect() as client:
        gone = client.remove_schedule(schedule_id)
    if as_json:
        return print_json(gone)
    return say(f"removed {gone['id']}")


def print_schedules(found: Sequence[ScheduleDict]) -> None:
    """The table."""
    rows = [
        (
            each["id"],
            each["projectId"],
            each["cron"],
            each["zone"],
            each["workflowType"] or "",
            each["dueAt"][:16].replace("T", " "),
            each["createdBy"],
            " ".join(each["prompt"].split())[:_SHOWN_CHARS],
        )
        for each in found
    ]
    return print_table(_HEADERS, rows, empty=_EMPTY)
