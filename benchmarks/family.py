"""Memory of processes and all they started, with shared pages counted once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Self

import psutil

MIB = 2**20
_LOOK_S = 0.25


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


def cpu_s(pid: int) -> float:
    """Processor time of a process and of every process it has waited for so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def own_cpu_s(pid: int) -> float:
    """Processor time of a process alone."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


class Peak:
    """Looks at processes from a thread of its own and remembers, in MiB, when they were largest."""

    def __init__(self, processes: Callable[[], list[psutil.Process]]) -> None:
        self._processes = processes
        self._ended = threading.Event()
        self.pss_mib, self.rss_mib = 0.0, 0.0
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_S):
            processes = self._processes()
            self.pss_mib = max(self.pss_mib, pss_mib(processes))
            self.rss_mib = max(self.rss_mib, rss_mib(processes))


def _one(process: psutil.Process, kind: str) -> int:
    try:
        if kind == "rss":
            return process.memory_info().rss
        full = process.memory_full_info()
        return getattr(full, "pss", full.uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
