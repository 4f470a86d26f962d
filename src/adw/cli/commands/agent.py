"""`adw agent`: see which agents are at work, and speak to them."""

from __future__ import annotations

from typing import Annotated

import typer

from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import ago, print_json, print_table, say
from adw.cli.session import connect

app = typer.Typer(help="See which agents are at work, and speak to them.", rich_markup_mode=None)


@app.command("list")
def list_agents(*, as_json: JsonFlag = False) -> None:
    """List agents at work."""
    with connect() as client:
        found = client.agents()
    if as_json:
        return print_json(found)
    rows = [
        (each["id"][:8], each["adwId"], each["role"], each["phase"], ago(each["since"]), each["model"])
        for each in found["agents"]
    ]
    return print_table(("ID", "WORKFLOW", "ROLE", "PHASE", "SINCE", "MODEL"), rows, empty="no agent is at work")


@app.command("send")
def send(
    adw_id: AdwId,
    message: Annotated[str, typer.Argument(metavar="TEXT", help="What the agent is to hear.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Say something to the agents of a workflow.

    Who is at work hears it before its answer counts; while nobody is, the next one to start does.
    """
    with connect() as client:
        left = client.send_message(adw_id, message)
    if as_json:
        return print_json(left)
    return say(f"the agents of workflow {left['adwId']} will hear it at the next safe point")
