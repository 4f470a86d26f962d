"""Finds supervisors whose worker is gone. They end by themselves, unless something keeps them from running at all."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from adw.kit.process import supervisor
from adw.kit.process.identity import ProcessIdentity, identify

_SUPERVISOR = str(Path(supervisor.__file__).resolve())


def stray_supervisors(data_dir: Path) -> list[ProcessIdentity]:
    """Supervisors of this data directory that no worker listens for, to be given to `sweep_orphans`."""
    root = data_dir.absolute()
    return [identity for identity, spec in _supervisors() if root in spec.parents and not _is_wanted(spec)]


def _supervisors() -> Iterator[tuple[ProcessIdentity, Path]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = process.cmdline()
            if _SUPERVISOR in words[:-1] and (identity := identify(process.pid)) is not None:
                yield identity, Path(words[words.index(_SUPERVISOR) + 1])


def _is_wanted(spec: Path) -> bool:
    """Whether a worker still answers at the lifeline. One whose order is gone is left alone: it is just ending."""
    try:
        path = json.loads(spec.read_text())["lifeline"]
    except (OSError, ValueError, KeyError):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except TimeoutError:
            return True
        except OSError:
            return False
    return True
