"""`adw worker`: a process that executes workflows."""

from __future__ import annotations

from typing import Annotated

import typer

from adw.cli.invocation import current_settings
from adw.cli.loading import loading


def worker(
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", min=1, help="How many phases run at once; sized to the machine.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call this worker.")] = None,
    until_eof: Annotated[
        bool, typer.Option("--until-eof", help="End when standard input closes, as a server's own worker does.")
    ] = False,
) -> None:
    """Execute workflows until stopped.

    Any number of workers, on any number of hosts, may share a database: the one DATABASE_URL names, or else the
    embedded one of this data directory.
    """
    settings = current_settings()
    with loading():
        from adw.worker.main import run_worker

    run_worker(settings, name=name, concurrency=concurrency, until_eof=until_eof)
