"""Kills process trees that nobody supervises any more."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

import psutil

from adw.kit.errors import InfrastructureError
from adw.kit.process.identity import ProcessIdentity, identify, is_alive

_DEADLINE_S = 20.0
_PAUSE_S = 0.01


def sweep_orphans(recorded: Iterable[ProcessIdentity], *, timeout_s: float = _DEADLINE_S) -> int:
    """Kills those of the recorded processes that still live, with all their descendants. Returns how many lived.

    Blocking; for a worker's boot. A pid that belongs to another process by now is left alone.
    """
    alive = [identity for identity in recorded if is_alive(identity)]
    for identity in alive:
        kill_tree(identity.pid, timeout_s=timeout_s)
    return len(alive)


def kill_tree(pid: int, *, timeout_s: float = _DEADLINE_S) -> None:
    """Kills a process and all below it. Stopped first, so that nothing new appears between the look and the kill."""
    family = _stop_tree(pid)
    identities = [identity for process in family if (identity := identify(process.pid)) is not None]
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    deadline = time.monotonic() + timeout_s
    while alive := [identity for identity in identities if is_alive(identity)]:
        if time.monotonic() > deadline:
            raise InfrastructureError(f"Processes refuse to die: {', '.join(str(i.pid) for i in alive)}")
        time.sleep(_PAUSE_S)


def _stop_tree(pid: int) -> list[psutil.Process]:
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        new = [root]
        while new:
            for process in new:
                with contextlib.suppress(psutil.Error):
                    process.suspend()
            family.extend(new)
            new = [process for process in root.children(recursive=True) if process not in family]
    return family
