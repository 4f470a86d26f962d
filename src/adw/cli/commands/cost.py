"""`adw cost`: what models cost, and for what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from adw.cli.moments import read_moment
from adw.cli.options import JsonFlag
from adw.cli.output import dollars, one_line, print_json, print_table
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import CostTotalsDict

By = Literal["workflow", "kind", "phase", "role", "model", "project", "day"]
_HAS_LABEL = frozenset({"workflow", "project"})


def cost(
    *,
    by: Annotated[By, typer.Option("--by", help="What to group by; a day is one of UTC.")] = "workflow",
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only from then on, e.g. 2026-05-01 (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many groups at most.")] = 30,
    as_json: JsonFlag = False,
) -> None:
    """Show what models cost, the dearest first.

    A price nobody knows makes a cost unknown; what is known of it is told as well.
    """
    read_moment(since)  # what cannot be read is refused before a server is started
    with connect() as client:
        print_costs(client, by=by, since=since, limit=limit, as_json=as_json)


def print_costs(client: AdwClient, *, by: By, since: str | None, limit: int, as_json: bool) -> None:
    """The table with its total, or the document."""
    found = client.cost(by, since=read_moment(since), limit=limit)
    if as_json:
        return print_json(found)
    named = by in _HAS_LABEL
    rows = [
        (each["key"] or "(no workflow)", *_figures(each), *((one_line(each["label"], width=60),) if named else ()))
        for each in found["rows"]
    ]
    if rows:
        rows.append(("total", *_figures(found["total"]), *(("",) if named else ())))
    headers = (by.upper(), "WORKFLOWS", "REQUESTS", "TOKENS IN", "OUT", "COST", *(("NAME",) if named else ()))
    return print_table(headers, rows, empty="no requests to models")


def _figures(each: CostTotalsDict) -> tuple[object, ...]:
    return each["workflows"], each["requests"], each["inputTokens"], each["outputTokens"], _shown(each)


def _shown(each: CostTotalsDict) -> str:
    if each["costUsd"] is not None:
        return dollars(each["costUsd"])
    return f"unknown, at least {dollars(each['knownUsd'])}" if each["knownUsd"] else "unknown"
