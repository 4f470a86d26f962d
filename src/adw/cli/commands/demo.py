"""`adw demo`: see it work."""

from __future__ import annotations

from typing import Annotated

import typer

from adw.cli.options import JsonFlag


def demo(
    as_json: JsonFlag = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the repository and the data where they are.")] = False,
    serve: Annotated[bool, typer.Option("--serve", help="Go on serving afterwards, until Ctrl-C.")] = False,
) -> None:
    """See it work, without credentials.

    Takes a sample issue to a tested pull request. Everything is real (agents, git, tests, PostgreSQL) but the model,
    which answers from a script. Exit code 0 only if the result was verified.
    """
    from adw.cli.demo.play import play

    raise typer.Exit(play(keep=keep, serve=serve, as_json=as_json))
