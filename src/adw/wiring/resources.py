"""Looks at the disk of the data directory, at the machine's memory, and at how busy its processors are."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from adw.kit.settings import Settings
from adw.ports.resources import Headroom

MEMINFO = Path("/proc/meminfo")
CPU_PRESSURE = Path("/proc/pressure/cpu")
_MB = 1024 * 1024
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
_SOME_WAITED = re.compile(r"^some avg10=(\d+\.\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResources:
    """Implements `adw.ports.resources.Resources` for the machine this process runs on."""

    settings: Settings
    meminfo: Path = MEMINFO
    cpu_pressure: Path = CPU_PRESSURE

    def look(self) -> Headroom:
        return Headroom(
            free_disk=free_bytes(self.settings.data_dir),
            available_memory=available_bytes(self.meminfo),
            load_per_core=load_per_core(),
            contended_percent=contended_percent(self.cpu_pressure),
            least_disk=self.settings.min_free_disk_mb * _MB,
            least_memory=self.settings.min_free_memory_mb * _MB,
            most_load_per_core=self.settings.max_load_per_core,
        )


def free_bytes(folder: Path) -> int | None:
    """Free space where the folder is, or will be once somebody makes it."""
    place = next((each for each in (folder, *folder.parents) if each.exists()), None)
    try:
        return None if place is None else shutil.disk_usage(place).free
    except OSError:
        return None


def available_bytes(meminfo: Path) -> int | None:
    """What Linux says programs could still get; None elsewhere."""
    try:
        found = _AVAILABLE.search(meminfo.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return None
    return None if found is None else int(found[1]) * 1024


def load_per_core() -> float | None:
    """Programs that ran or wanted to, averaged over a minute; None where nobody counts them."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return None


def contended_percent(pressure: Path) -> float | None:
    """Share of the last ten seconds in which something waited for a processor; None where Linux does not tell."""
    try:
        found = _SOME_WAITED.search(pressure.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return None
    return None if found is None else float(found[1])
