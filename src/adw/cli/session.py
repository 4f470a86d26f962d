"""A connection to this data directory's server for the length of one command."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from adw.cli.invocation import current_settings

if TYPE_CHECKING:
    from adw.client import AdwClient
    from adw.kit.settings import Settings


def connect(settings: Settings | None = None, *, repo: Path | None = None) -> AdwClient:
    """A client of the running server; one is started in the background if there is none. Close it after use.

    What it does is recorded as done by the person whom git knows in `repo`.
    """
    from adw.cli.server.background import ensure_server
    from adw.client import AdwClient

    url, token = ensure_server(settings or current_settings())
    return AdwClient(url, token, actor=person(repo or Path()))


def person(repo: Path) -> str:
    """Who gives orders here: git's user.name, else the account's name."""
    command = ["git", "-C", str(repo), "config", "user.name"]
    try:
        name = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        name = ""
    return name or _account()


def repository(path: Path) -> Path:
    """The top folder of the repository that `path` is in, or `path` itself: the server says what is wrong with it."""
    folder = path.expanduser().resolve()
    candidates = (folder, *folder.parents)
    return next((candidate for candidate in candidates if (candidate / ".git").exists()), folder)


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
