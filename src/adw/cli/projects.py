"""Which project a command means."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from adw.cli.session import repository

if TYPE_CHECKING:
    from adw.client import AdwClient


def project_at(client: AdwClient, repo: Path) -> str:
    """The id of the project of a repository, which becomes known to the server if it was not."""
    return client.add_project(str(repository(repo)))["project"]["id"]


def repo_flag(repo: Path) -> str:
    """The option that a suggested command needs to mean the same repository; empty in that repository itself."""
    folder = repository(repo)
    return "" if folder == repository(Path()) else f" --repo {shlex.quote(str(folder))}"
