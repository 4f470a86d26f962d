"""`adw approval`: answer what workflows and their agents ask."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from adw.cli.amounts import read_usd
from adw.cli.options import JsonFlag
from adw.cli.output import ago, one_line, print_json, print_table, say
from adw.cli.people import say_questions
from adw.cli.session import connect
from adw.domain.approval import Decision
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from adw.client.types import DecidedDict

app = typer.Typer(help="Answer what workflows ask.", rich_markup_mode=None)

Reference = Annotated[
    str, typer.Argument(metavar="ID", help="The beginning of an approval's id, or of the id of a workflow that waits.")
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]


@app.command("list")
def list_approvals(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Those that were answered, too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List questions that wait for an answer."""
    with connect() as client:
        found = client.approvals(pending=not everything)
    if as_json:
        return print_json(found)
    rows = [
        (
            each["id"][:8],
            each["adwId"],
            each["kind"],
            each["decision"],
            ago(each["createdAt"]),
            one_line(each["question"]),
        )
        for each in found["approvals"]
    ]
    print_table(("ID", "WORKFLOW", "KIND", "DECISION", "ASKED", "QUESTION"), rows, empty="nothing is asked")
    return say_questions([each for each in found["approvals"] if each["decision"] == Decision.PENDING])


@app.command("allow")
def allow(
    reference: Reference,
    *,
    reason: Reason = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="USD", help="For a question about money: the new total.")
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="FILE", help="For a plan: go on by this file instead, - for standard input."),
    ] = None,
    tool_input: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="For a call of an agent: make it with this input (JSON) instead, - for standard input.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say yes; the workflow goes on, or the agent that asks.

    A plan may be edited first: `git show BRANCH:PLAN_FILE > plan.md`, then `--plan plan.md`. What you give becomes a
    commit of yours on the workflow's branch.
    """
    amount = read_usd(budget)
    edited = None if plan is None else _read(plan, hint="name a UTF-8 file that holds all of the plan")
    given = None if tool_input is None else _read_input(tool_input)
    with connect() as client:
        _answer(
            client.allow(reference, reason=reason, budget_usd=amount, plan=edited, tool_input=given), as_json=as_json
        )


@app.command("answer")
def answer(
    reference: Reference,
    words: Annotated[str, typer.Argument(metavar="TEXT", help="What the agent is to know.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Answer what an agent wants to know while it works."""
    with connect() as client:
        _answer(client.allow(reference, reason=words), as_json=as_json)


@app.command("deny")
def deny(reference: Reference, *, reason: Reason = None, as_json: JsonFlag = False) -> None:
    """Say no; the workflow ends as failed, while an agent that asks goes on without."""
    with connect() as client:
        _answer(client.deny(reference, reason=reason), as_json=as_json)


def _read_input(source: str) -> dict[str, Any]:
    hint = "name a file with a JSON object that holds all of the call's input"
    try:
        given = json.loads(_read(source, hint=hint))
    except ValueError as error:
        raise UsageError(f"{source} is no JSON: {error}", hint=hint) from error
    if not isinstance(given, dict):
        raise UsageError(f"{source} holds no JSON object", hint=hint)
    return cast("dict[str, Any]", given)


def _read(source: str, *, hint: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} cannot be read as text", hint=hint) from error


def _answer(decided: DecidedDict, *, as_json: bool) -> None:
    if as_json:
        return print_json(decided)
    approval, workflow = decided["approval"], decided["workflow"]
    return say(f"{approval['kind']} {approval['decision']}; workflow {workflow['adwId']} is {workflow['status']}")
