"""`adw audit`: who changed what through the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table, say
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client.types import AuditEntryDict

_HEADERS = ("WHEN (UTC)", "WHO", "WHAT", "WHICH", "STATUS", "FROM")


def audit(
    *,
    who: Annotated[str | None, typer.Option("--who", metavar="NAME", help="Only of this token or session.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List every request that would change something, newest first, whether it was done or refused."""
    with connect() as client:
        found = client.audit(who=who, limit=limit)
    if as_json:
        return print_json(found)
    print_table(_HEADERS, [_row(each) for each in found["entries"]], empty="nothing was changed yet")
    if found["nextCursor"] is not None:
        say("there are more; raise `--limit` to see them")
    return None


def _row(entry: AuditEntryDict) -> tuple[object, ...]:
    times = "" if entry["times"] == 1 else f" ({entry['times']} times)"
    return (
        entry["at"][:19].replace("T", " "),
        entry["who"],
        f"{entry['method']} {entry['route']}",
        entry["target"] or "",
        f"{entry['status']}{times}",
        entry["peer"] or "",
    )
