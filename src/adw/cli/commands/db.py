"""`adw db`: the database below everything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adw.cli.invocation import current_settings
from adw.cli.options import JsonFlag
from adw.cli.output import print_fields, print_json, say

app = typer.Typer(help="The database below everything.", rich_markup_mode=None)


@app.command("migrate")
def migrate(*, as_json: JsonFlag = False) -> None:
    """Bring the database to the shape this version needs."""
    from adw.store.migrations import migrate as upgrade
    from adw.wiring.database import running_database

    with running_database(current_settings()) as running:
        found = upgrade(running.url)
    if as_json:
        return print_json({"current": found.current, "head": found.head, "isCurrent": found.is_current})
    return say(f"the database is at revision {found.current}")


@app.command("status")
def status(*, as_json: JsonFlag = False) -> None:
    """Show which database it is and how it stands."""
    from adw.cli.database import database_status

    found = database_status(current_settings())
    if as_json:
        return print_json(found)
    return print_fields(found)


@app.command("url")
def url(*, as_json: JsonFlag = False) -> None:
    """Show the database's address; the password is hidden."""
    from adw.cli.database import address

    shown = address(current_settings())
    if as_json:
        return print_json({"url": shown})
    return print(shown)


@app.command("shell", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(context: typer.Context) -> None:
    """Open psql on the database; more words are handed to it."""
    from adw.cli.database import run_psql

    raise typer.Exit(run_psql(current_settings(), context.args))


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write the whole database to a file."""
    from adw.cli.database import write_backup

    size = write_backup(current_settings(), file, force=force)
    if as_json:
        return print_json({"file": str(file), "bytes": size})
    return say(f"wrote {file} ({size} bytes); `adw db restore {file}` brings it back")


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `adw db backup` wrote.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Really: what is in the database now is lost.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Replace the database's content by a backup."""
    from adw.cli.database import restore_backup
    from adw.kit.errors import UsageError

    if not yes:
        raise UsageError("this replaces everything in the database", hint="add --yes if that is what you want")
    restore_backup(current_settings(), file)
    if as_json:
        return print_json({"file": str(file), "restored": True})
    return say(f"the database is as it was when {file} was written")
