"""Looks at the disk of the data directory and at the machine's memory."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from adw.kit.settings import Settings
from adw.ports.resources import Headroom

MEMINFO = Path("/proc/meminfo")
_MB = 1024 * 1024
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResources:
    """Implements `adw.ports.resources.Resources` for the machine this process runs on."""

    settings: Settings
    meminfo: Path = MEMINFO

    def look(self) -> Headroom:
        return Headroom(
            free_disk=free_bytes(self.settings.data_dir),
            available_memory=available_bytes(self.meminfo),
            least_disk=self.settings.min_free_disk_mb * _MB,
            least_memory=self.settings.min_free_memory_mb * _MB,
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
