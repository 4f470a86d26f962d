"""`adw budget`: what projects, and all of them together, may spend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from adw.cli.amounts import read_usd
from adw.cli.options import JsonFlag
from adw.cli.output import dollars, print_json, print_table, say
from adw.cli.repository import repository
from adw.cli.session import connect
from adw.kit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adw.client.types import BudgetDict, BudgetPeriod

app = typer.Typer(help="What projects, and all of them together, may spend.", rich_markup_mode=None)

OfProject: TypeAlias = Annotated[
    str | None, typer.Option("--project", metavar="PROJECT", help="Of this project: its id, name or path.")
]
Global: TypeAlias = Annotated[bool, typer.Option("--global", help="Of all projects together.")]
Monthly: TypeAlias = Annotated[
    bool, typer.Option("--month/--total", help="For each calendar month (UTC), or once and for all.")
]


@app.command("list")
def list_budgets(*, project: OfProject = None, as_json: JsonFlag = False) -> None:
    """List budgets and what is spent of them; with a project, those that bound it."""
    with connect() as client:
        found = client.budgets(project=None if project is None else _named(project))
    if as_json:
        return print_json(found)
    return _print_budgets(found["budgets"])


@app.command("set")
def set_budget(
    amount: Annotated[str, typer.Argument(metavar="USD", help="How much may be spent.")],
    *,
    project: OfProject = None,
    is_global: Global = False,
    monthly: Monthly = True,
    as_json: JsonFlag = False,
) -> None:
    """Set a budget, or change it; workflows that wait for it go on by themselves."""
    whose = _whose(project, is_global=is_global)
    usd = read_usd(amount)
    assert usd is not None  # noqa: S101 # only no text is no amount
    with connect() as client:
        made = client.set_budget(_period(monthly=monthly), usd, project=whose)
    if as_json:
        return print_json(made)
    return _print_budgets([made])


@app.command("clear")
def clear_budget(
    *, project: OfProject = None, is_global: Global = False, monthly: Monthly = True, as_json: JsonFlag = False
) -> None:
    """Lift a budget."""
    whose = _whose(project, is_global=is_global)
    with connect() as client:
        left = client.clear_budget(_period(monthly=monthly), project=whose)
    if as_json:
        return print_json(left)
    return say("lifted")


def _period(*, monthly: bool) -> BudgetPeriod:
    return "month" if monthly else "total"


def _whose(project: str | None, *, is_global: bool) -> str | None:
    if is_global and project is not None:
        raise UsageError("a budget is a project's or global, not both", hint="leave one of the two options out")
    if is_global:
        return None
    return _named(project or ".")


def _named(project: str) -> str:
    """A path where it looks like one, else an id or a name."""
    path = Path(project).expanduser()
    is_path = path.is_dir() and ("/" in project or project in {".", ".."})
    return repository(project).reference if is_path else project


def _print_budgets(found: Sequence[BudgetDict]) -> None:
    rows = [
        (
            each["projectId"] or "(all)",
            each["period"],
            dollars(each["budgetUsd"]),
            dollars(each["spentUsd"]),
            dollars(each["heldUsd"]),
            dollars(each["leftUsd"]),
            each["setBy"] or "adw.toml",
        )
        for each in found
    ]
    headers = ("PROJECT", "PERIOD", "BUDGET", "SPENT", "HELD", "LEFT", "SET BY")
    return print_table(headers, rows, empty="no budgets but those of workflows")
