"""A project's own commands: found, run, and their results read."""

from __future__ import annotations

from adw.workspace.commands.runner import LaunchedCommands

__all__ = ["LaunchedCommands"]
