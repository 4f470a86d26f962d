"""Which project a command means."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from adw.cli.repository import repository

if TYPE_CHECKING:
    from adw.client import AdwClient


def project_at(client: AdwClient, repo: str) -> str:
    """The id of the project of a repository, which becomes known to the server if it was not."""
    return client.add_project(repository(repo).reference)["project"]["id"]


def repo_flag(repo: str) -> str:
    """The option that a suggested command needs to mean the same repository; empty in that repository itself."""
    reference = repository(repo).reference
    return "" if reference == repository(".").reference else f" --repo {shlex.quote(reference)}"
