"""`adw mcp`: our tools for agents and editors of others, over standard input and output."""

from __future__ import annotations

from typing import Annotated

import typer


def mcp(
    *,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer only tools that change nothing.")] = False,
) -> None:
    """Serve the orchestrator's tools by the Model Context Protocol.

    For the settings of an agent or editor: the command is `adw`, its argument `mcp`.
    """
    import asyncio
    from pathlib import Path

    from adw.cli.invocation import current_settings
    from adw.cli.mcp_server import serve_mcp
    from adw.cli.server.background import ensure_server
    from adw.cli.session import person

    url, token = ensure_server(current_settings())
    asyncio.run(serve_mcp(url, token, actor=person(Path.cwd()), read_only=read_only))
