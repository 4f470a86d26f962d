"""`adw config`: which settings are in force."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from adw.cli.invocation import current_settings
from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table
from adw.kit.errors import NotFoundError
from adw.kit.shown import shown_setting
from adw.kit.variables import VARIABLES

app = typer.Typer(help="Which settings are in force.", rich_markup_mode=None)


@app.command("list")
def list_settings(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value comes from.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List all settings; secrets are hidden."""
    settings = current_settings()
    found = [(variable, shown_setting(settings, variable), settings.origins[variable.name]) for variable in VARIABLES]
    if as_json:
        return print_json(
            [
                {"name": variable.name, "value": value, "origin": source, "about": variable.about}
                for variable, value, source in found
            ]
        )
    if origin:
        rows = [(variable.name, _text(value), source) for variable, value, source in found]
        return print_table(("NAME", "VALUE", "ORIGIN"), rows, empty="")
    rows = [(variable.name, _text(value), variable.about) for variable, value, _ in found]
    return print_table(("NAME", "VALUE", "ABOUT"), rows, empty="")


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="For example DATABASE_URL.")], *, as_json: JsonFlag = False
) -> None:
    """Show one setting; a secret is hidden."""
    import difflib

    variable = next((each for each in VARIABLES if each.name == name.upper()), None)
    if variable is None:
        near = difflib.get_close_matches(name.upper(), [each.name for each in VARIABLES], n=1)
        suggestion = f"did you mean {near[0]}? " if near else ""
        raise NotFoundError(f"there is no setting {name!r}", hint=f"{suggestion}see `adw config list`")
    settings = current_settings()
    value = shown_setting(settings, variable)
    if as_json:
        return print_json({"name": variable.name, "value": value, "origin": settings.origins[variable.name]})
    return print(_text(value))


@app.command("path")
def path(*, as_json: JsonFlag = False) -> None:
    """Show the data directory."""
    folder = str(current_settings().data_dir)
    if as_json:
        return print_json({"dataDir": folder})
    return print(folder)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
