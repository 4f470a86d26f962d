"""`adw agent create|command|show|logs|interrupt|delete|templates`: agents outside of workflows, by name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import ago, dollars, one_line, print_fields, print_json, print_table, printable, say
from adw.cli.repository import repository
from adw.cli.session import connect
from adw.kit.errors import ExitCode

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import AgentCommandDict, FreeAgentDetailDict, FreeAgentDict, NewAgentFields

_LOOK_S = 0.3
_PAGE = 200
_HEADERS = ("NAME", "STATUS", "TEMPLATE", "PROJECT", "MODEL", "SPENT", "SINCE")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The agent's name, or its id.")]


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A new one, e.g. date-checker.")],
    *,
    template: Annotated[
        str | None, typer.Option("--template", "-t", metavar="NAME", help="As `adw agent templates` shows.")
    ] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", metavar="TEXT", help="What it is and how it works.")] = None,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="PATH", help="Whose files it works on; without, an empty folder.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="opus, sonnet, haiku, or an id.")] = None,
    tools: Annotated[
        str | None, typer.Option("--tools", metavar="A,B", help="Only these of what it could have, e.g. Read,Grep.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.01, metavar="USD", help="Its money a month.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make an agent that works by command, outside of workflows. It remembers what it was told."""
    fields: NewAgentFields = {
        "template": template,
        "systemPrompt": prompt,
        "project": None if repo is None else repository(repo).reference,
        "model": model,
        "tools": None if tools is None else [rule.strip() for rule in tools.split(",") if rule.strip()],
        "budgetUsd": budget,
    }
    with connect(repo=repo or ".") as client:
        made = client.create_agent(name, **fields)
    if as_json:
        return print_json(made)
    return say(f'made {made["name"]}; tell it something: adw agent command {made["name"]} "..."')


def command(
    name: Name,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What it is to do.")],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its answer, and show what it does meanwhile.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Tell an agent what to do. It waits its turn, and goes on without you.

    Exit code with --wait: 0 done, 1 failed or interrupted.
    """
    with connect() as client:
        since = client.agent_log(name, limit=1)["nextCursor"]
        given = client.command_agent(name, words)
        if wait:
            given = _watch(client, name, given, after=since, quiet=as_json)
    if as_json:
        print_json(given)
    elif wait:
        print(printable(given["answer"] or ""))
    else:
        say(f"command {given['id']} is {given['state']}; see `adw agent logs {name}`")
    if wait and given["state"] != "done":
        raise typer.Exit(ExitCode.FAILED)


def show(name: Name, *, as_json: JsonFlag = False) -> None:
    """Show how an agent stands, and how its last command ended."""
    with connect() as client:
        found = client.free_agent(name)
    return print_json(found) if as_json else _print_agent(found)


def logs(
    name: Name,
    *,
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=500, help="How many of the latest entries.")] = 50,
    whole: Annotated[bool, typer.Option("--whole", help="Whole entries instead of a line for each.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what an agent said and did lately."""
    with connect() as client:
        found = client.agent_log(name, limit=lines)
    if as_json:
        return print_json(found)
    for entry in found["entries"]:
        print(f"{entry['createdAt'][11:19]} {entry['kind']:11} {printable(entry['body' if whole else 'summary'])}")
    return None


def interrupt(name: Name, *, as_json: JsonFlag = False) -> None:
    """Stop what an agent does, and take back what waits for it. What it changed stays."""
    with connect() as client:
        stopped = client.interrupt_agent(name)
    if as_json:
        return print_json(stopped)
    if not stopped["commands"]:
        return say(f"{name} was doing nothing")
    return say(f"{name} is stopped; commands ended: {len(stopped['commands'])}")


def delete(name: Name, *, as_json: JsonFlag = False) -> None:
    """End an agent for good; its name is free. What it changed in a project is kept under a hidden ref."""
    with connect() as client:
        gone = client.delete_agent(name)
    if as_json:
        return print_json(gone)
    say(f"deleted {gone['name']}")
    if gone["projectId"] is not None:
        say(f"what it changed will be kept; see `adw agent show {gone['id']}`")
    return None


def templates(
    *,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="PATH", help="With those a known repository has committed.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """List what agents can be made from."""
    with connect() as client:
        found = client.agent_templates(project=None if repo is None else repository(repo).reference)
    if as_json:
        return print_json(found)
    rows = [
        (each["name"], " ".join(each["tools"]), each["model"] or "", each["origin"], one_line(each["description"]))
        for each in found["templates"]
    ]
    print_table(("NAME", "TOOLS", "MODEL", "FROM", "WHAT FOR"), rows, empty="there are no templates")
    for each in found["broken"]:
        say(f"cannot be used: {each['problem']}")
    return None


def print_agents(found: Sequence[FreeAgentDict]) -> None:
    """The table of those there are; nothing when there are none."""
    rows = [
        (
            each["name"],
            each["status"],
            each["template"] or "",
            each["projectId"] or "",
            each["model"] or "",
            dollars(each["totalCostUsd"]),
            ago(each["createdAt"]),
        )
        for each in found
    ]
    if rows:
        print_table(_HEADERS, rows, empty="")


def _watch(client: AdwClient, name: str, given: AgentCommandDict, *, after: int, quiet: bool) -> AgentCommandDict:
    """Shows what is said and done until the command has ended; gives it as it is then."""
    while True:
        page = client.agent_log(name, after=after, limit=_PAGE)
        for entry in page["entries"]:
            if entry["commandId"] != given["id"]:
                continue
            if "state" in entry["metadata"]:
                ended: AgentCommandDict = {**given, "state": entry["metadata"]["state"], "answer": entry["body"]}
                return ended
            if not quiet and entry["kind"] != "command":
                say(f"  {one_line(entry['summary'], width=160)}")
        after = page["nextCursor"]
        if not page["entries"]:
            time.sleep(_LOOK_S)


def _print_agent(found: FreeAgentDetailDict) -> None:
    last = found["lastCommand"]
    waiting = [f"{each['id']} {each['state']}" for each in found["openCommands"]]
    print_fields(
        {
            "name": found["name"],
            "id": found["id"],
            "status": found["status"],
            "template": found["template"],
            "tools": " ".join(found["tools"]) or "none",
            "model": found["model"],
            "project": found["projectId"],
            "files": found["place"],
            "kept as": found["keptAs"],
            "spent": f"{dollars(found['totalCostUsd'])}, {dollars(found['budgetUsd'])} a month",
            "context": f"{found['contextTokens']} tokens",
            "commands": ", ".join(waiting) or None,
            "last": None if last is None else f"{last['id']} {last['state']}: {one_line(last['answer'])}",
        }
    )
