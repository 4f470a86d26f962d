"""What was given before the command's name, and the settings that follow from it."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

from adw.kit.settings import Settings, read_settings

_env_file: ContextVar[Path | None] = ContextVar("adw_env_file", default=None)


def remember_env_file(path: Path | None) -> None:
    """Keeps `--env-file` for the command that follows."""
    _env_file.set(path.absolute() if path is not None else None)


def current_settings() -> Settings:
    """The settings of this invocation. Raises ConfigurationError naming every bad one."""
    return read_settings(env_file=_env_file.get())


def inherited_flags() -> list[str]:
    """What a child that runs another of our commands must be given to read the same settings."""
    path = _env_file.get()
    return [] if path is None else ["--env-file", str(path)]
