"""`adw trigger`: what came in from forges and clocks, and why it started nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table, say
from adw.cli.repository import repository
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client.types import TriggerDict, TriggerPageDict

app = typer.Typer(help="What could have started work, and what became of it.", rich_markup_mode=None)

_HEADERS = ("ID", "WHEN", "BY", "WHAT", "WHERE", "WHO", "OUTCOME", "WHY")
_EMPTY = "nothing has come in yet; see docs/concepts/triggers.md for what starts work by itself"


@app.command("list")
def list_triggers(
    *,
    project: Annotated[
        str | None, typer.Option("--project", metavar="PROJECT", help="Only of this project: its name, id or path.")
    ] = None,
    outcome: Annotated[
        list[str] | None,
        typer.Option("--outcome", metavar="OUTCOME", help="Only these, for example refused; may be repeated."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List webhooks, what polls found and what schedules said, newest first, with the reason for each refusal."""
    with connect() as client:
        found = client.triggers(project=reference_of(project), outcome=outcome or (), limit=limit)
    return print_json(found) if as_json else print_triggers(found)


def print_triggers(found: TriggerPageDict) -> None:
    """The table."""
    print_table(_HEADERS, [_row(each) for each in found["triggers"]], empty=_EMPTY)
    if found["nextCursor"] is not None:
        say("there are more; raise `--limit` to see them")


def reference_of(project: str | None) -> str | None:
    """A path where it looks like one, else an id or a name."""
    if project is None:
        return None
    is_path = Path(project).expanduser().is_dir() and ("/" in project or project in {".", ".."})
    return repository(project).reference if is_path else project


def _row(each: TriggerDict) -> tuple[object, ...]:
    number = "" if each["number"] is None else f"#{each['number']}"
    why = each["adwId"] or ": ".join(part for part in (each["reason"], each["detail"]) if part)
    times = "" if each["times"] == 1 else f" ({each['times']} times)"
    return (
        each["id"],
        each["receivedAt"][:19].replace("T", " "),
        each["source"],
        each["event"],
        f"{each['repository'] or ''}{number}",
        each["sender"] or "",
        each["outcome"] + times,
        why,
    )
