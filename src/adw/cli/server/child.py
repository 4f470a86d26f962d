"""How commands start other commands of this program."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading

from adw.cli.invocation import inherited_flags


def own_command(*words: str, same_settings: bool = True) -> list[str]:
    """The arguments that run `adw WORDS` with this interpreter, and our `--env-file` unless told otherwise."""
    # -P: a folder called adw where the person happens to be is not this program.
    flags = inherited_flags() if same_settings else []
    return [sys.executable, "-P", "-m", "adw.cli.main", *flags, *words]


def end_child(process: subprocess.Popen[bytes], *, grace_s: float, term_s: float = 5.0) -> None:
    """Ends a child that watches its standard input: end of input first, then SIGTERM, then SIGKILL."""
    close_input(process)
    for patience_s, then in ((grace_s, process.terminate), (term_s, process.kill)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            return
        then()
    process.wait()


def close_input(process: subprocess.Popen[bytes]) -> None:
    """Closes our end of a child's standard input."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def end_at_eof(descriptor: int = 0) -> None:
    """Ends this process in order (SIGTERM to itself) once standard input closes: its parent is gone."""
    threading.Thread(target=_watch, args=(descriptor,), name="until-eof", daemon=True).start()


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
