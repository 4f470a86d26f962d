"""`adw kpi`: how well work goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.moments import read_moment
from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table
from adw.cli.repository import repository
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import KpiSummaryDict, SpreadDict

_HEADERS = (
    *("PROJECT", "KIND", "WORKFLOWS", "SUCCEEDED", "FIRST ATTEMPT", "STREAK", "LONGEST"),
    *("ATTEMPTS", "REPAIRS", "REVIEWS", "PLAN LINES", "DIFF LINES"),
)
_EMPTY = 'nothing is measured yet: a workflow is when its phases have ended; start one with `adw run "..." --wait`'
_NO_MATCH = "no workflow that has ended fits; leave out `--project`, `--kind` or `--since` to see more"


def kpi(
    *,
    project: Annotated[
        str | None, typer.Option("--project", metavar="PROJECT", help="Only of this project: its name, id or path.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only workflows of this kind.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only what ended from then on, e.g. 2026-05-01 (UTC).")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show how well work goes: successes, streaks, attempts, rounds and sizes, by project and kind.

    A streak is a run of successes at the first attempt. Numbers of attempts, rounds and lines are averages, with the
    median behind the stroke. Workflows that were cancelled are not measured.
    """
    moment = read_moment(since)  # what cannot be read is refused before a server is started
    with connect() as client:
        print_kpis(client, project=project, kind=kind, since=moment, as_json=as_json)


def print_kpis(client: AdwClient, *, project: str | None, kind: str | None, since: str | None, as_json: bool) -> None:
    """The table, or the document."""
    found = client.kpi(project=_reference(project), kind=kind, since=since)
    if as_json:
        return print_json(found)
    rows = [(each["projectName"], each["workflowType"], *_figures(each["summary"])) for each in found["groups"]]
    if len(rows) > 1:
        rows.append(("all", "", *_figures(found["total"])))
    return print_table(_HEADERS, rows, empty=_NO_MATCH if project or kind or since else _EMPTY)


def _figures(summary: KpiSummaryDict) -> tuple[object, ...]:
    return (
        summary["workflows"],
        summary["succeeded"],
        summary["atFirstAttempt"],
        summary["currentStreak"],
        summary["longestStreak"],
        _spread(summary["attempts"]),
        _spread(summary["repairRounds"]),
        _spread(summary["reviewRounds"]),
        _spread(summary["planLines"]),
        _spread(summary["diffLines"]),
    )


def _spread(spread: SpreadDict) -> str:
    return f"{spread['average']:.1f} / {spread['median']:g}"


def _reference(project: str | None) -> str | None:
    """A folder is named by the top folder of its repository; whatever else is a name or an id."""
    if project is None or ("/" not in project and not project.startswith(".")):
        return project
    return repository(project).reference
