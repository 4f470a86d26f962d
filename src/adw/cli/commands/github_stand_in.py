"""`adw github-stand-in`: a GitHub to try things on."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from adw.forge.github_stand_in import Sown, StandIn


def github_stand_in(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 picks one.")] = 0,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Where the git repositories go; a passing place unless named.")
    ] = None,
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Accounts, repositories and issues, as TOML.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option("--webhook", metavar="URL", help="Deliver every event of every repository there.")
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option("--secret", envvar="GITHUB_WEBHOOK_SECRET", help="What deliveries are signed with."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say where it listens as a JSON document.")] = False,
    until_eof: Annotated[bool, typer.Option("--until-eof", hidden=True)] = False,
) -> None:
    """Serve a GitHub of your own, to try triggers and pull requests without the real one.

    Issues, pull requests and the rest are in memory and end with it. Serves until stopped.
    """
    from adw.cli.server.child import end_at_eof
    from adw.forge.github_stand_in import DEFAULT, StandIn, read_seed, sow

    if until_eof:
        end_at_eof()
    wanted = read_seed(seed) if seed else DEFAULT
    stopped = _stopped_by_signals()
    stand = StandIn(folder=folder)
    with stand.serve(port=port):
        sown = sow(stand, wanted)
        for name in sown.repositories if webhook else ():
            stand.add_hook(name, webhook or "", secret=secret)
        _announce(stand, sown, as_json=as_json)
        stopped.wait()


def _stopped_by_signals() -> threading.Event:
    stopped = threading.Event()

    def end(_number: int, _frame: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stopped


def _announce(stand: StandIn, sown: Sown, *, as_json: bool) -> None:
    from adw.forge.github_stand_in import PROGRAM

    clones = {name: stand.clone_url(name) for name in sown.repositories}
    if as_json:
        addresses = {"apiUrl": stand.api_url, "serverUrl": stand.server_url}
        print(json.dumps({**addresses, "tokens": dict(sown.tokens), "repositories": clones}), flush=True)
        return
    print(f"GitHub stand-in serves at {stand.server_url} (all but git data is in memory and ends with it)")
    for login, token in sown.tokens.items():
        print(f"  {login}: {token}")
    for name, url in clones.items():
        print(f"  {name}: {url}")
    token = sown.tokens.get(PROGRAM) or next(iter(sown.tokens.values()), "")
    print("Use it with:")
    print(f"  export GITHUB_API_URL={stand.api_url} GITHUB_SERVER_URL={stand.server_url}")
    print(f"  export GITHUB_TOKEN={token}", flush=True)
