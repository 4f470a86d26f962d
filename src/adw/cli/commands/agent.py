"""`adw agent`: agents at work in workflows, and those outside of them that work by command."""

from __future__ import annotations

from typing import Annotated

import typer

from adw.cli.commands import free_agent
from adw.cli.options import AdwId, JsonFlag
from adw.cli.output import ago, print_json, print_table, say
from adw.cli.session import connect

app = typer.Typer(help="See and command agents, in workflows and outside of them.", rich_markup_mode=None)


@app.command("list")
def list_agents(*, as_json: JsonFlag = False) -> None:
    """List agents at work in workflows, and those outside of them."""
    with connect() as client:
        found, named = client.agents(), client.free_agents()["agents"]
    if as_json:
        return print_json({**found, "named": named})
    free_agent.print_agents(named)
    rows = [
        (each["id"][:8], each["adwId"], each["role"], each["phase"], ago(each["since"]), each["model"])
        for each in found["agents"]
    ]
    if named and not rows:
        return None
    return print_table(("ID", "WORKFLOW", "ROLE", "PHASE", "SINCE", "MODEL"), rows, empty="no agent is at work")


app.command("create")(free_agent.create)
app.command("command")(free_agent.command)
app.command("show")(free_agent.show)
app.command("logs")(free_agent.logs)
app.command("interrupt")(free_agent.interrupt)
app.command("delete")(free_agent.delete)
app.command("templates")(free_agent.templates)


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
