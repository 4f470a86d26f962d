"""`adw chat`: talk to the orchestrator agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from adw.cli.chatting import Talk, converse, print_step
from adw.cli.options import JsonFlag
from adw.cli.output import dollars, print_fields, print_json, printable
from adw.cli.session import connect
from adw.kit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.client.types import ChatEntryDict, OrchestratorDict

_PAGE = 200


def chat(
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="TEXT", help="Say this, wait for the answer, and leave.")
    ] = None,
    *,
    history: Annotated[bool, typer.Option("--history", help="Show what was said, and leave.")] = False,
    metrics: Annotated[bool, typer.Option("--metrics", help="Show what it has used and may use, and leave.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew: it forgets what was said.")] = False,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Which model it is from now on.")] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", min=0.01, metavar="USD", help="Its money a month.")
    ] = None,
    wake: Annotated[bool | None, typer.Option("--wake/--no-wake", help="Whether events wake it.")] = None,
    quiet: Annotated[
        str | None, typer.Option("--quiet", metavar="FROM-UNTIL", help="When events let it sleep: 22:00-07:00, or off.")
    ] = None,
    zone: Annotated[str | None, typer.Option("--zone", metavar="ZONE", help="Time zone of the quiet hours.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Talk to the orchestrator agent: start runs, ask how they do, steer them.

    Ctrl-C interrupts what it is doing; Ctrl-D leaves. What it has started goes on without you.
    """
    choices = _choices(model=model, budget=budget, wake=wake, quiet=quiet, zone=zone)
    with connect() as client:
        if choices:
            client.configure_chat(choices)  # pyright: ignore[reportArgumentType] # built below, by the names it has
        if reset:
            client.reset_chat()
        if message is not None:
            return _once(client, message, as_json=as_json)
        if history:
            return _print_history(client, as_json=as_json)
        if metrics or choices or reset:
            return _print_metrics(client.chat_metrics(), as_json=as_json)
        if as_json:
            raise UsageError("a conversation is not one document", hint='say one thing: `adw chat -m "..." --json`')
        return converse(
            client,
            history=lambda: _print_history(client, as_json=False),
            metrics=lambda: _print_metrics(client.chat_metrics(), as_json=False),
        )


def _once(client: AdwClient, message: str, *, as_json: bool) -> None:
    talk = Talk(client, show=_no_entry if as_json else print_step)
    try:
        answer = talk.ask(message)
    except KeyboardInterrupt:
        client.interrupt_chat()
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    if as_json:
        print_json(answer)
    else:
        print(printable(answer["message"]))
    if answer["metadata"].get("state") in {"failed", "refused"}:
        raise typer.Exit(ExitCode.FAILED)


def _no_entry(_entry: ChatEntryDict) -> None:
    pass


def _print_history(client: AdwClient, *, as_json: bool) -> None:
    found = client.chat_history(limit=_PAGE)
    if as_json:
        return print_json(found)
    for entry in found["entries"]:
        if entry["kind"] in {"message", "answer", "notice"}:
            who = entry["metadata"].get("author", entry["senderType"])
            print(f"{printable(str(who))}: {printable(entry['message'])}")
    return None


def _print_metrics(found: OrchestratorDict, *, as_json: bool) -> None:
    if as_json:
        return print_json(found)
    tokens = f"{found['inputTokens']} tokens in, {found['outputTokens']} out"
    quiet = None if found["quietFrom"] is None else f"{found['quietFrom']}-{found['quietUntil']} {found['quietZone']}"
    return print_fields(
        {
            "status": found["status"],
            "model": found["model"],
            "waiting": found["waiting"],
            "this month": f"{dollars(found['spentThisMonthUsd'])} of {dollars(found['budgetUsd'])}",
            "in all": f"{dollars(found['totalCostUsd'])}, {tokens}",
            "context": f"{found['contextTokens']} of {found['contextWindow']} tokens ({found['contextPercent']} %)",
            "woken by events": "yes" if found["wake"] else "no",
            "quiet hours": quiet,
        }
    )


def _choices(
    *, model: str | None, budget: float | None, wake: bool | None, quiet: str | None, zone: str | None
) -> dict[str, Any]:
    chosen: dict[str, Any] = {"model": model, "budgetUsd": budget, "wake": wake, "quietZone": zone}
    if quiet == "off":
        chosen["quiet"] = False
    elif quiet is not None:
        chosen["quietFrom"], _, chosen["quietUntil"] = quiet.partition("-")
    elif zone is not None:
        raise UsageError("a zone belongs to quiet hours", hint="give both: `--quiet 22:00-07:00 --zone Europe/Berlin`")
    return {name: value for name, value in chosen.items() if value is not None}
