"""`adw serve`: the API, and a worker beside it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from adw.cli.invocation import current_settings


def serve(
    *,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on.", show_default="HOST, else 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Port to listen on; 0 picks one.", show_default="PORT, else 8003"
        ),
    ] = None,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Serve only; `adw worker` executes.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="End the running server of this data directory.")] = False,
    server: Annotated[
        Literal["granian", "uvicorn"], typer.Option("--server", help="Which HTTP server to use.")
    ] = "uvicorn",
    idle_exit: Annotated[
        float | None, typer.Option("--idle-exit", metavar="SECONDS", help="End after this long without work.")
    ] = None,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
) -> None:
    """Serve the API, with a worker beside it.

    Prints the URL and serves until stopped. One server for each data directory.
    """
    settings = current_settings()
    from adw.cli.server.child import end_at_eof
    from adw.cli.server.serving import ServePlan, serve_until_stopped

    if until_eof:
        end_at_eof()
    plan = ServePlan(
        host=host or settings.host,
        port=settings.port if port is None else port,
        with_worker=not no_worker,
        restart=restart,
        server=server,
        idle_exit_s=idle_exit,
    )
    serve_until_stopped(settings, plan)
