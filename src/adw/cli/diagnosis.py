"""The checks of `adw doctor`, each of which looks at the real thing."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adw.kit.errors import AdwError
from adw.kit.paths import DataPaths
from adw.kit.settings import Settings

State = Literal["ok", "warning", "missing"]

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 38)
"""The first with `merge-tree --write-tree`."""
ENOUGH_BYTES = 2 * 1024**3
_PROBE_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `missing` keeps work from being done, `warning` limits it."""

    name: str
    state: State
    detail: str
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "detail": self.detail, "hint": self.hint}


def diagnose(settings: Settings) -> list[Finding]:
    """Every check's finding, in the order in which things depend on each other."""
    checks: Sequence[tuple[str, Callable[[Settings], Finding]]] = (
        ("python", _python),
        ("git", _git),
        ("data directory", _data_dir),
        ("disk", _disk),
        ("postgresql", _postgresql),
        ("database", _database),
        ("agent cli", _agent_cli),
        ("model credential", _credential),
        ("github", _github),
        ("isolation", _isolation),
    )
    return [_guarded(name, check, settings) for name, check in checks]


def _guarded(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    try:
        return check(settings)
    except AdwError as error:
        return Finding(name=name, state="missing", detail=error.message, hint=error.hint)


def _python(_settings: Settings) -> Finding:
    version = platform.python_version()
    if sys.version_info >= OLDEST_PYTHON:
        return Finding(name="python", state="ok", detail=f"{version} at {sys.executable}")
    oldest = ".".join(str(part) for part in OLDEST_PYTHON)
    return Finding(name="python", state="missing", detail=version, hint=f"install Python {oldest} or newer")


def _git(_settings: Settings) -> Finding:
    said = _said(["git", "--version"])
    numbers = re.search(r"(\d+)\.(\d+)", said or "")
    oldest = ".".join(str(part) for part in OLDEST_GIT)
    if said is None or numbers is None:
        return Finding(name="git", state="missing", detail="not found", hint=f"install git {oldest} or newer")
    if (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        return Finding(name="git", state="missing", detail=said, hint=f"install git {oldest} or newer")
    return Finding(name="git", state="ok", detail=said.removeprefix("git version "))


def _data_dir(settings: Settings) -> Finding:
    paths = DataPaths(settings.data_dir).ensure()
    return Finding(name="data directory", state="ok", detail=f"{paths.root} (can be written)")


def _disk(settings: Settings) -> Finding:
    try:
        free_bytes = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        return Finding(name="disk", state="missing", detail=f"{settings.data_dir}: {error.strerror}")
    detail = f"{free_bytes / 1024**3:.1f} GiB free"
    if free_bytes >= ENOUGH_BYTES:
        return Finding(name="disk", state="ok", detail=detail)
    return Finding(name="disk", state="warning", detail=detail, hint="free some space; worktrees need it")


def _postgresql(settings: Settings) -> Finding:
    from adw.kit.postgres import find_binaries

    if settings.database_url is not None:
        return Finding(name="postgresql", state="ok", detail="DATABASE_URL is used, no programs are needed")
    binaries = find_binaries()
    return Finding(name="postgresql", state="ok", detail=f"{binaries.version} ({binaries.source}: {binaries.bin_dir})")


def _database(settings: Settings) -> Finding:
    from adw.cli.database import database_status

    found = database_status(settings)
    if found["isCurrent"]:
        return Finding(name="database", state="ok", detail=f"{found['kind']}, revision {found['current']}")
    detail = f"{found['kind']}, revision {found['current']}, this version needs {found['head']}"
    hint = "the next `adw serve` brings it up to date, or do it now: `adw db migrate`"
    return Finding(name="database", state="warning", detail=detail, hint=hint)


def _agent_cli(_settings: Settings) -> Finding:
    from adw.agents.cli import find_cli

    path = find_cli()
    said = _said([str(path), "--version"])
    if said is None:
        hint = "reinstall claude-agent-sdk for this platform"
        return Finding(name="agent cli", state="missing", detail=f"{path} does not run", hint=hint)
    return Finding(name="agent cli", state="ok", detail=f"{said} at {path}")


def _credential(settings: Settings) -> Finding:
    given = [
        name
        for name, value in (
            ("ANTHROPIC_API_KEY", settings.anthropic_api_key),
            ("ANTHROPIC_AUTH_TOKEN", settings.anthropic_auth_token),
            ("CLAUDE_CODE_OAUTH_TOKEN", settings.claude_code_oauth_token),
        )
        if value
    ]
    if given:
        detail = f"{', '.join(given)} for {settings.anthropic_base_url}"
        return Finding(name="model credential", state="ok", detail=detail)
    hint = "set ANTHROPIC_API_KEY, ANTHROPIC_AUTH_TOKEN or CLAUDE_CODE_OAUTH_TOKEN; `adw demo` needs none"
    return Finding(name="model credential", state="warning", detail="none", hint=hint)


def _github(settings: Settings) -> Finding:
    """Who we are there, asked of GitHub itself; work on the local forge needs none of it."""
    from adw.store.migrations import status
    from adw.wiring.database import running_database
    from adw.wiring.github import account_on_github

    if settings.github_token is None and settings.github_app_id is None:
        detail = "no credential, so only the local forge and what is public can be used"
        return Finding(name="github", state="ok", detail=detail)
    with running_database(settings) as running:
        if not status(running.url).is_current:
            return Finding(name="github", state="warning", detail="not asked before the database is up to date")
        login = asyncio.run(account_on_github(settings, url=running.url))
    hint = None if settings.github_webhook_secret else "webhooks are refused without GITHUB_WEBHOOK_SECRET"
    return Finding(name="github", state="ok", detail=f"{login} at {settings.github_api_url}", hint=hint)


def _isolation(settings: Settings) -> Finding:
    """What keeps agents apart from the rest of the machine here, shown by trying to break out of it."""
    from adw.domain.config import SandboxTable
    from adw.workspace.sandbox import HostContainment, try_to_escape

    in_force = HostContainment(operator=settings.sandbox).in_force(SandboxTable())
    if in_force == "off":
        hint = "unset ADW_SANDBOX, unless every author of every issue and every repository is trusted"
        return Finding(name="isolation", state="warning", detail="off, as ADW_SANDBOX says", hint=hint)
    if in_force == "supervisor":
        detail = "process groups under a supervisor; there is a sandbox for Linux only"
        return Finding(name="isolation", state="warning", detail=detail, hint="let workers run on Linux")
    folder = DataPaths(settings.data_dir).ensure().run
    found = asyncio.run(try_to_escape(dict(os.environ), folder=folder))
    if found.succeeded:
        detail = f"{found.program} lets a contained program {'; '.join(found.succeeded)}"
        return Finding(name="isolation", state="missing", detail=detail, hint="install another version of bubblewrap")
    detail = f"bubblewrap ({found.program}); {len(found.tried)} attempts to break out failed"
    return Finding(name="isolation", state="ok", detail=detail)


def _said(command: Sequence[str]) -> str | None:
    """A program's first line of output; None when it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else None
