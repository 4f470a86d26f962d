"""`adw project`: the repositories that work is done on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_fields, print_json, print_table, say
from adw.cli.repository import repository
from adw.cli.session import connect

if TYPE_CHECKING:
    from adw.client.types import CommandDict, ProjectDetailDict

app = typer.Typer(help="The repositories that work is done on.", rich_markup_mode=None)


@app.command("add")
def add(
    path: Annotated[
        str, typer.Argument(metavar="REPOSITORY", show_default="this folder", help="A folder, or owner/name on GitHub.")
    ] = ".",
    *,
    base: Annotated[str | None, typer.Option("--base", metavar="BRANCH", help="What work starts from.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a repository known."""
    with connect(repo=path) as client:
        added = client.add_project(repository(path).reference, base=base)
    if as_json:
        return print_json(added)
    for note in added["notes"]:
        say(f"note: {note}")
    print(added["project"]["id"])
    return say(f"work starts from {added['base']['name']} at {added['base']['sha'][:10]}")


@app.command("list")
def list_projects(*, as_json: JsonFlag = False) -> None:
    """List known repositories."""
    with connect() as client:
        found = client.projects()
    if as_json:
        return print_json(found)
    rows = [(each["id"], each["forge"], each["baseBranch"], each["source"]) for each in found["projects"]]
    return print_table(("PROJECT", "FORGE", "BASE", "SOURCE"), rows, empty="no projects")


@app.command("show")
def show(
    project: Annotated[
        str, typer.Argument(metavar="PROJECT", show_default="this folder", help="Its id, name or path.")
    ] = ".",
    *,
    as_json: JsonFlag = False,
) -> None:
    """Show a repository and the commands found in it."""
    path = Path(project).expanduser()
    reference = (
        repository(project).reference if path.is_dir() and ("/" in project or project in {".", ".."}) else project
    )
    with connect() as client:
        found = client.project(reference)
    if as_json:
        return print_json(found)
    return _print_project(found)


def _print_project(found: ProjectDetailDict) -> None:
    print_fields(
        {"project": found["id"], "forge": found["forge"], "source": found["source"], "base": found["baseBranch"]}
    )
    commands = found["commands"]
    if commands is None:
        return
    named: list[tuple[str, CommandDict | None]] = [
        ("setup", commands["setup"]),
        ("build", commands["build"]),
        ("lint", commands["lint"]),
        ("test", commands["test"]),
        ("e2e", commands["e2e"]),
        ("run", commands["run"]),
    ]
    print()
    rows = [(name, each["line"], each["format"], each["origin"]) for name, each in named if each is not None]
    print_table(("COMMAND", "LINE", "RESULTS", "FROM"), rows, empty="no commands were found in it")
