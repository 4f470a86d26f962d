"""`adw model-server`: a model that answers from a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adw.agents.scripted_model import Scenario


def model_server(
    *,
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="FILE|NAME", help="A .toml or .json file, or a built-in scenario.")
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 picks one.")] = 0,
    host: Annotated[str, typer.Option("--host", help="A loopback address.")] = "127.0.0.1",
    as_json: Annotated[bool, typer.Option("--json", help="Say where it listens as a JSON document.")] = False,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
) -> None:
    """Serve a model that answers from a script.

    Point agents at it with ANTHROPIC_BASE_URL. Serves until stopped.
    """
    from adw.agents.scripted_model import run_model_server
    from adw.cli.server.child import end_at_eof

    if until_eof:
        end_at_eof()

    def on_ready(url: str, loaded: Scenario) -> None:
        if as_json:
            print(json.dumps({"url": url, "scenario": scenario, "rules": len(loaded.rules)}), flush=True)
        else:
            print(f"scripted model {scenario} ({len(loaded.rules)} rules) serves at {url}", flush=True)
            print(f"  use it with: ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=any adw serve", flush=True)

    run_model_server(scenario, host=host, port=port, on_ready=on_ready)
