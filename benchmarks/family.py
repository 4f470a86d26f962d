"""Memory of processes and all they started, with shared pages counted once."""

from __future__ import annotations

from collections.abc import Iterable

import psutil

MIB = 2**20


def tree(pid: int) -> list[psutil.Process]:
    """The process and its descendants."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def rss_mib(processes: Iterable[psutil.Process]) -> float:
    """Resident memory added up; pages that several of them share count several times."""
    return sum(_one(process, "rss") for process in processes) / MIB


def pss_mib(processes: Iterable[psutil.Process]) -> float:
    """Proportional memory added up; where the kernel does not tell it, what is each process's own."""
    return sum(_one(process, "pss") for process in processes) / MIB


def _one(process: psutil.Process, kind: str) -> int:
    try:
        if kind == "rss":
            return process.memory_info().rss
        full = process.memory_full_info()
        return getattr(full, "pss", full.uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
