"""Who a process is: its pid alone is reused, together with its start time it is unique on one host."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc")
_DEAD_STATES = frozenset("ZX")
_HOST_FACTS = (Path("/etc/machine-id"), _PROC / "sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process of this host. `started_at` is opaque: clock ticks since boot on Linux, else milliseconds since 1970."""

    pid: int
    started_at: int


def identify(pid: int | None = None) -> ProcessIdentity | None:
    """The identity of a live process, this one when `pid` is left out; None when it is gone or a zombie."""
    number = os.getpid() if pid is None else pid
    started_at = _started_at_linux(number) if sys.platform == "linux" else _started_at_elsewhere(number)
    return None if started_at is None else ProcessIdentity(pid=number, started_at=started_at)


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether that very process still runs. Zombies are dead; so is a pid that now belongs to another process."""
    return identity.pid > 0 and identify(identity.pid) == identity


def host_identity() -> str:
    """A stable name of this boot of this machine, seen from this PID namespace: pids compare only within it."""
    facts = [_read(path) for path in _HOST_FACTS]
    if not any(facts):
        facts = [platform.node(), str(int(psutil.boot_time()))]
    return hashlib.sha256("\n".join([*facts, _pid_namespace()]).encode()).hexdigest()[:32]


def _started_at_linux(pid: int) -> int | None:
    try:
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0].decode() in _DEAD_STATES else int(fields[19])


def _started_at_elsewhere(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time() * 1000)
    except psutil.Error:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _pid_namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return ""
