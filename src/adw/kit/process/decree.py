"""Ends a process of this host that has been declared dead, so that it can never wake up and go on."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import psutil

from adw.kit.process.identity import ProcessIdentity, identify, is_alive

_TOOLS = ("git",)
"""Children that work for it directly. What runs under a supervisor ends by itself."""


def end_by_decree(dead: ProcessIdentity) -> bool:
    """Kills exactly this process, stopped or not, with the git commands it had started; its file locks go with it.

    False when it is gone already, is this very process, or belongs to another user.
    """
    if dead.pid == os.getpid() or not is_alive(dead):
        return False
    tools = _tools_of(dead.pid)
    if not _kill(dead):
        return False
    for tool in tools:
        _kill(tool)
    return True


def _tools_of(pid: int) -> list[ProcessIdentity]:
    found: list[ProcessIdentity] = []
    with suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            with suppress(psutil.Error):
                identity = identify(child.pid) if child.name().startswith(_TOOLS) else None
                found += [] if identity is None else [identity]
    return found


def _kill(identity: ProcessIdentity) -> bool:
    """The process is seen again right before: a pid that was given to another meanwhile is left alone."""
    try:
        if is_alive(identity):
            os.kill(identity.pid, signal.SIGKILL)
            return True
    except (ProcessLookupError, PermissionError):
        pass
    return False
