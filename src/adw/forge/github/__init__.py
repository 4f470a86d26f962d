"""GitHub, or an Enterprise server: a client that keeps to its rules, and the forge of each repository."""

from __future__ import annotations

from adw.forge.github.client.credentials import AppCredential, TokenCredential
from adw.forge.github.client.turns import Patience
from adw.forge.github.forge import GitHubForge
from adw.forge.github.github import GitHub

__all__ = ["AppCredential", "GitHub", "GitHubForge", "Patience", "TokenCredential"]
