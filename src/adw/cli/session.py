"""A connection to this data directory's server for the length of one command."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from adw.cli.invocation import current_settings
from adw.cli.repository import repository

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.kit.settings import Settings


def connect(settings: Settings | None = None, *, repo: str = ".") -> AdwClient:
    """A client of the running server; one is started in the background if there is none. Close it after use.

    What it does is recorded as done by the person whom git knows in `repo`, or in this folder when that is elsewhere.
    """
    from adw.cli.server.background import ensure_server
    from adw.client import AdwClient

    url, token = ensure_server(settings or current_settings())
    return AdwClient(url, token, actor=person(repository(repo).here))


def person(repo: Path) -> str:
    """Who gives orders here: git's user.name, else the account's name."""
    command = ["git", "-C", str(repo), "config", "user.name"]
    try:
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        name = ""
    return name or _account()


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
