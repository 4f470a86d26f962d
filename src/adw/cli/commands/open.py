"""`adw open`: logs a browser in."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from adw.cli.options import JsonFlag
from adw.cli.output import print_json, say
from adw.cli.session import connect


def open_browser(
    *,
    print_only: Annotated[bool, typer.Option("--print", help="Print the address instead of opening it.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Open the server's pages in a browser, logged in.

    The address is good once, for a minute.
    """
    with connect() as client:
        link = client.login_link()
    if as_json:
        return print_json(link)
    if not print_only and sys.stdout.isatty() and _opens(link["url"]):
        return say("opened in the browser")
    print(link["url"])
    return say("follow it within a minute; it works once")


def _opens(url: str) -> bool:
    import webbrowser

    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
