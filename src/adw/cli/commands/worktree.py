"""`adw worktree`: the folders that agents work in."""

from __future__ import annotations

from typing import Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_json, print_table, say
from adw.cli.session import connect

app = typer.Typer(help="The folders that agents work in.", rich_markup_mode=None)


@app.command("list")
def list_worktrees(*, as_json: JsonFlag = False) -> None:
    """List worktrees and the workflows they belong to."""
    with connect() as client:
        found = client.worktrees()
    if as_json:
        return print_json(found)
    rows = [
        (
            each["name"],
            each["status"],
            each["prState"],
            each["branch"],
            "yes" if each["removable"] else "",
            each["path"],
        )
        for each in found["worktrees"]
    ]
    headers = ("NAME", "STATUS", "PR", "BRANCH", "REMOVABLE", "PATH")
    return print_table(headers, rows, empty="no worktrees")


@app.command("cleanup")
def cleanup(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Remove worktrees that nobody needs any more.

    A branch of an open pull request, and commits that exist nowhere else, are never removed.
    """
    with connect() as client:
        done = client.clean_worktrees(dry_run=dry_run)
    if as_json:
        return print_json(done)
    other = "would be removed" if dry_run else "kept"
    rows = [
        (each["adwId"], "removed" if each["removed"] else other, each["reason"], each["problem"], each["path"])
        for each in done["items"]
    ]
    print_table(("WORKFLOW", "DONE", "WHY", "PROBLEM", "PATH"), rows, empty="nothing to remove")
    return say("nothing was removed: this was a dry run") if dry_run and rows else None
