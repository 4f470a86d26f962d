"""Runs one program so that nothing it starts can outlive its worker: `python -I -S supervisor.py SPEC.json [ARGS]`.

Stand-alone and standard library only, because it starts in front of every agent and command. Two processes share the
work. The *front* is what the caller started: it relays signals and ends with the program's code. The *reaper* holds the
program. Each kills all that is left when the other is killed, and both when the lifeline to the worker is closed, or
when a worker that has a lease no longer says over it that the lease goes on: it may be stopped, or cut off.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any, NoReturn

REFUSED = 125
CANNOT_RUN = 126
NOT_FOUND = 127
KILLED = 128 + signal.SIGKILL

_RELAYED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_KILL_DEADLINE_S = 20.0
_KILL_PAUSE_S = 0.002
_GREETING_S = 10.0
"""How long a worker with a lease may take to answer a new supervisor, before the program is started."""


def main(arguments: list[str]) -> int:
    """The front process: connects, starts the reaper, relays signals to it and returns its exit code."""
    try:
        spec = _read_spec(arguments[0])
        os.chdir(spec["cwd"])
        lifeline = _connect(spec)
    except (OSError, ValueError, KeyError, IndexError) as error:
        return _complain(f"refused to start: {error}", REFUSED)
    _adopt_orphans()
    alive, held = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _RELAYED)
    reaper = os.fork()
    if reaper == 0:
        os.close(held)
        os._exit(_reap(spec, arguments[1:], lifeline, alive))
    os.close(alive)
    return _front(reaper)


def _read_spec(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib doubles the start-up time
        return json.load(file)


def _connect(spec: dict[str, Any]) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(spec["lifeline"])
    except OSError as error:
        raise OSError(f"no worker listens on {spec['lifeline']} ({error.strerror})") from error
    return connection


def _complain(message: str, code: int) -> int:
    os.write(2, f"supervisor: {message}\n".encode(errors="replace"))
    return code


def _front(reaper: int) -> int:
    def relay(number: int, _frame: FrameType | None) -> None:
        _send(reaper, number)

    for number in _RELAYED:
        signal.signal(number, relay)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELAYED)
    _let_go_of_streams()
    status = os.waitpid(reaper, 0)[1]
    for number in _RELAYED:
        signal.signal(number, signal.SIG_IGN)
    if os.WIFSIGNALED(status):
        # Something killed the reaper: what it held belongs to us now.
        _kill_descendants()
        return KILLED
    return os.waitstatus_to_exitcode(status)


def _reap(spec: dict[str, Any], extra: list[str], lifeline: socket.socket, front: int) -> int:
    """The reaper: starts the program, waits for its end or the loss of worker or front, leaves nothing behind."""
    os.setsid()
    _adopt_orphans()
    wakeup = _wake_on_signals()
    try:
        lifeline.sendall(json.dumps({"id": spec["id"], "pid": os.getpid()}).encode() + b"\n")
    except OSError as error:
        return _complain(f"refused to start: the worker is gone ({error.strerror})", REFUSED)
    worker = _Worker(lifeline)
    if spec.get("leased") and not worker.greets():
        return _complain("refused to start: the worker has no lease", REFUSED)
    program = os.fork()
    if program == 0:
        _become_program(spec, extra)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _RELAYED)
    _let_go_of_streams()
    try:
        return _watch(program, worker, front, wakeup)
    finally:
        if sys.platform != "linux":
            # No way to find every descendant: at least the program's own group.
            _send_to_group(program, signal.SIGKILL)
        _kill_descendants()


def _become_program(spec: dict[str, Any], extra: list[str]) -> NoReturn:
    os.setsid()
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (*_RELAYED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    environment = {name: os.environ[name] for name in spec["pass_through"] if name in os.environ} | spec["env"]
    argv = [*spec["argv"], *extra]
    if spec["enclosure"] is not None:
        argv, environment = _enclosed(spec["enclosure"], argv, environment)
    try:
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - running the named program is the purpose
    except FileNotFoundError:
        os._exit(_complain(f"program not found: {argv[0]}", NOT_FOUND))
    except (OSError, ValueError) as error:
        os._exit(_complain(f"cannot run {argv[0]}: {error}", CANNOT_RUN))


def _enclosed(
    enclosure: dict[str, Any], argv: list[str], environment: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The sandbox around the program. Its own environment is empty, for one that names a library to load would be

    obeyed outside; the program's travels with the profile in memory, where no list of processes shows it.
    """
    words = [*enclosure["arguments"], "--clearenv"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    profile = os.memfd_create("profile", 0)
    with open(profile, "wb", closefd=False) as file:
        file.write(b"".join(os.fsencode(word) + b"\0" for word in words))
    os.lseek(profile, 0, os.SEEK_SET)
    return [enclosure["program"], "--args", str(profile), "--", *enclosure["before"], *argv], {}


def _watch(program: int, worker: _Worker, front: int, wakeup: int) -> int:
    poller = select.poll()
    for descriptor in (worker.descriptor, front, wakeup):
        poller.register(descriptor, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poller.poll(worker.patience_ms())]
        # What the worker said meanwhile is heard before its time is judged.
        if (worker.descriptor in ready and not worker.listen()) or worker.is_overdue() or front in ready:
            return KILLED
        for number in os.read(wakeup, 1024) if wakeup in ready else b"":
            if number != signal.SIGCHLD:
                _send_to_group(program, number)
            elif (code := _collect(program)) is not None:
                return code


class _Worker:
    """The worker's words on the lifeline: until when its lease certainly holds, on the clock all processes share.

    One that never says anything has no lease, and is alive for as long as it does not hang up.
    """

    def __init__(self, lifeline: socket.socket) -> None:
        self.descriptor = lifeline.fileno()
        self._until: float | None = None
        self._words = b""

    def greets(self) -> bool:
        """Waits for the first word. False when there is none, or the lease it tells of is over."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        deadline = time.monotonic() + _GREETING_S
        while self._until is None and poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            if not self.listen():
                return False
        return self._until is not None and not self.is_overdue()

    def listen(self) -> bool:
        """Takes in what was said. False when the worker hung up."""
        try:
            words = os.read(self.descriptor, 4096)
        except ConnectionError:
            return False
        *said, self._words = (self._words + words).split(b"\n")
        if said:
            self._until = float(said[-1])
        return bool(words)

    def patience_ms(self) -> float | None:
        return None if self._until is None else max(0.0, self._until - time.monotonic()) * 1000

    def is_overdue(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until


def _wake_on_signals() -> int:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_RELAYED, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    return reading


def _collect(program: int) -> int | None:
    """Takes in every ended child. Returns the program's exit code if it was among them."""
    code: int | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            code = 128 - code if code < 0 else code


def _kill_descendants() -> None:
    """Repeats until no live process is left below us: whatever a dying parent leaves behind is adopted by us."""
    deadline = time.monotonic() + _KILL_DEADLINE_S
    while time.monotonic() < deadline:
        remaining = _descendants()
        if not remaining:
            return
        for pid, started in remaining:
            _kill(pid, started)
        _collect(0)
        time.sleep(_KILL_PAUSE_S)


def _descendants() -> list[tuple[int, str]]:
    children: dict[int, list[tuple[int, str]]] = {}
    for pid in _all_pids():
        facts = _stat(pid)
        if facts is not None:
            state, parent, started = facts
            # A zombie is dead, but a dead leader's threads or children may live: it stays a link in the chain.
            children.setdefault(parent, []).append((pid, "" if state in "ZX" else started))
    found: list[tuple[int, str]] = []
    to_visit = [os.getpid()]
    while to_visit:
        below = children.pop(to_visit.pop(), [])
        found.extend(child for child in below if child[1])
        to_visit.extend(pid for pid, _ in below)
    return found


def _all_pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - see _read_spec
    except OSError:
        return []


def _stat(pid: int) -> tuple[str, int, str] | None:
    """State, parent and start time (ticks since boot) of a process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - see _read_spec
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0].decode(), int(fields[1]), fields[19].decode()


def _kill(pid: int, started: str) -> None:
    """Kills exactly the process seen: the descriptor pins it, the start time proves that it is the same one."""
    try:
        pinned = os.pidfd_open(pid)
    except OSError:
        return
    try:
        facts = _stat(pid)
        if facts is not None and facts[2] == started:
            signal.pidfd_send_signal(pinned, signal.SIGKILL)
    except OSError:
        pass
    finally:
        os.close(pinned)


def _send_to_group(program: int, number: int) -> None:
    try:
        os.killpg(program, number)
    except ProcessLookupError:
        # The child has not made its own group yet.
        _send(program, number)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _let_go_of_streams() -> None:
    """Leaves the program the only holder of its streams, so that its peers see it close them."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _adopt_orphans() -> None:
    _prctl(_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
