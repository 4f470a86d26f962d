"""From a confinement to the arguments of bubblewrap. Pure but for looking whether paths exist.

The root is empty and read-only; what is not named here is not there. As root the files of the machine still belong to
the program's user, so being absent or read-only is all that protects them; capabilities and new namespaces are gone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adw.kit.process import relay
from adw.kit.process.confinement import Confinement, Door, Enclosure

RELAY = Path("/run/adw/relay.py")
WAYS_OUT = Path("/run/adw/out")
WAYS_IN = Path("/run/adw/in")

_ALWAYS = (
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--cap-drop",
    "ALL",
    "--die-with-parent",
    "--new-session",
)
_NOTHING = "/dev/null"
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - those inside
_KERNEL_SETTINGS = ("bus", "fs", "irq", "sys", "sysrq-trigger")
"""Files of `/proc` that obey the root user even without any capability: one names a program to be run outside."""
_KERNEL_SECRETS = ("acpi", "kcore", "keys", "latency_stats", "mtrr", "sched_debug", "scsi", "timer_list")


class Sandbox(Protocol):
    """Something that can keep a program within a confinement."""

    @property
    def name(self) -> str: ...

    def enclose(self, confinement: Confinement, *, cwd: Path, temporary: Path) -> Enclosure:
        """How to start a program confined, in `cwd`, with `temporary` as its `/tmp`.

        Raises `ConfigurationError` where that cannot be done here.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What every confined program sees of a machine, and what none does."""

    readable: tuple[Path, ...]
    """System folders and toolchains, read-only; those that do not exist are left out."""
    links: tuple[tuple[str, Path], ...] = ()
    """Symbolic links to be made: (what they say, where they are)."""
    masked: tuple[Path, ...] = ()
    """Secrets in readable folders: there, but empty."""
    hidden: tuple[Path, ...] = ()
    """Folders nothing of which shows, whatever else is readable; only a confinement's own folders do."""
    tools: tuple[Path, ...] = ()
    """Read-only parts of hidden folders."""
    names: tuple[Path, ...] = ()
    """What name look-ups need; only with the network open."""

    def shows(self, path: Path) -> bool:
        """Whether a path may be bound: not if it is a link to what is hidden, which would show up elsewhere."""
        real = path.resolve()
        return real == path or not any(_is_related(real, hidden) for hidden in self.hidden)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """Implements `Sandbox` by a bubblewrap that was tried and works. `machine` is asked at every start."""

    program: Path
    machine: Callable[[], Machine]
    name: str = "bubblewrap"

    def enclose(self, confinement: Confinement, *, cwd: Path, temporary: Path) -> Enclosure:
        arguments = profile(self.machine(), confinement, cwd=cwd, temporary=temporary)
        return Enclosure(program=self.program, arguments=tuple(arguments), before=relaying(confinement))


def profile(machine: Machine, confinement: Confinement, *, cwd: Path, temporary: Path) -> list[str]:
    """All of bubblewrap's arguments but the environment and the program. The order of mounts is their meaning."""
    shown = [path for path in (*machine.readable, *confinement.extra) if machine.shows(path)]
    arguments = [*_ALWAYS, *(["--share-net"] if confinement.network == "open" else [])]
    for target, link in machine.links:
        arguments += ["--symlink", target, str(link)]
    arguments += ["--proc", "/proc", *_kernel(), "--dev", "/dev", "--dir", "/run", "--dir", "/var"]
    for path in _TEMPORARY:
        arguments += ["--bind", str(temporary), path]
    for path in shown:
        arguments += ["--ro-bind-try", str(path), str(path)]
    for path in machine.names if confinement.network == "open" else ():
        arguments += ["--ro-bind-try", str(path), str(path)]
    for path in machine.masked:
        arguments += _mask(path)
    hidden = [path for path in machine.hidden if any(_is_related(path, other) for other in shown)]
    for path in hidden:
        arguments += ["--tmpfs", str(path)]
    arguments += _own(machine, confinement)
    arguments += _doors(confinement)
    for path in hidden:
        arguments += ["--remount-ro", str(path)]
    return [*arguments, "--remount-ro", "/", "--chdir", str(cwd)]


def relaying(confinement: Confinement) -> tuple[str, ...]:
    """What runs in front of the program where there are doors; nothing where there are none, for it costs time."""
    ways_out = [f"out:{door.port}:{_inside(WAYS_OUT, door)}" for door in _ways_out(confinement)]
    ways_in = [f"in:{door.port}:{_inside(WAYS_IN, door)}" for door in confinement.ways_in]
    if not ways_out and not ways_in:
        return ()
    return (os.path.realpath(sys.executable), "-I", "-S", str(RELAY), *ways_out, *ways_in, "--")


def _kernel() -> Iterable[str]:
    proc = Path("/proc")
    for name in _KERNEL_SETTINGS:
        yield from ("--ro-bind-try", str(proc / name), str(proc / name))
    for name in _KERNEL_SECRETS:
        yield from _mask(proc / name)


def _own(machine: Machine, confinement: Confinement) -> Iterable[str]:
    """The confinement's own folders, the outer before the inner, so that the inner one's right counts."""
    binds = [(path, "--ro-bind") for path in (*machine.tools, *confinement.readable)]
    binds += [(path, "--bind") for path in confinement.writable]
    for path, how in sorted(binds, key=lambda bind: len(bind[0].parts)):
        yield from (how, str(path), str(path))
    for path in confinement.sealed:
        # A link would be followed on the outside, to wherever whoever made it likes.
        if path.exists() and not path.is_symlink():
            yield from ("--ro-bind", str(path), str(path))


def _doors(confinement: Confinement) -> Iterable[str]:
    ways_out = _ways_out(confinement)
    if ways_out or confinement.ways_in:
        yield from ("--ro-bind", str(Path(relay.__file__).resolve()), str(RELAY))
    for door in ways_out:
        yield from ("--ro-bind", str(door.socket), str(_inside(WAYS_OUT, door)))
    for folder in {door.socket.parent for door in confinement.ways_in}:
        yield from ("--bind", str(folder), str(WAYS_IN))


def _ways_out(confinement: Confinement) -> tuple[Door, ...]:
    """None are needed where the port itself can be reached, and could not be listened on there either."""
    return () if confinement.network == "open" else confinement.ways_out


def _inside(folder: Path, door: Door) -> Path:
    return folder / door.socket.name


def _mask(path: Path) -> list[str]:
    if path.is_symlink() or not path.exists():
        return []
    if path.is_dir():
        return ["--perms", "0000", "--tmpfs", str(path), "--remount-ro", str(path)]
    return ["--ro-bind", _NOTHING, str(path)]


def _is_related(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
