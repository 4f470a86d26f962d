"""Finds the CLI that the Agent SDK drives, in the order in which the SDK itself looks for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import claude_agent_sdk

from adw.kit.errors import ConfigurationError


def find_cli() -> Path:
    """The CLI bundled with the SDK, else `claude` on PATH. Raises `ConfigurationError` when there is none."""
    bundled = Path(claude_agent_sdk.__file__).parent / "_bundled" / "claude"
    if bundled.is_file():
        return bundled
    installed = shutil.which("claude")
    if installed is None:
        raise ConfigurationError(
            "The Claude Code CLI was not found",
            hint="reinstall claude-agent-sdk for this platform, or put `claude` on PATH",
        )
    return Path(installed)
