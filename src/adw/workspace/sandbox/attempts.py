"""Attempts to break out, made from inside: `python -I -S attempts.py FACTS.json`. Prints which of them succeeded.

Stand-alone and standard library only. Each attempt gets the facts of the outside world that a real attacker would have
to guess, and returns whether it got through; an error means that it did not.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
Attempt = Callable[[Facts], bool]

MS_REMOUNT, MS_BIND = 32, 4096
CLONE_NEWUSER, MNT_DETACH, PTRACE_ATTACH = 0x10000000, 2, 16
UNROUTED = ("192.0.2.1", 9)
"""An address of documentation: nothing is ever sent there, but a machine with a network has a way to it."""

_libc = ctypes.CDLL(None, use_errno=True)


def read_data_directory(facts: Facts) -> bool:
    return facts["secret"] in Path(facts["data_file"]).read_text()


def read_other_worktree(facts: Facts) -> bool:
    return facts["secret"] in Path(facts["other_tree"], "file").read_text()


def read_home(facts: Facts) -> bool:
    return any(Path(path).exists() for path in facts["home_files"])


def read_passwords(_facts: Facts) -> bool:
    return bool(Path("/etc/shadow").read_text())


def read_environments(facts: Facts) -> bool:
    return any(facts["secret"] in _read(path) for path in Path("/proc").glob("[0-9]*/environ"))


def see_processes(facts: Facts) -> bool:
    return any(facts["secret"] in _read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def go_through_init(facts: Facts) -> bool:
    return facts["secret"] in Path(f"/proc/1/root{facts['data_file']}").read_text()


def make_writable_again(_facts: Facts) -> bool:
    return _libc.mount(None, b"/usr", None, MS_REMOUNT | MS_BIND, None) == 0


def uncover(facts: Facts) -> bool:
    return _libc.umount2(os.fsencode(Path(facts["data_file"]).parent), MNT_DETACH) == 0


def make_disk(facts: Facts) -> bool:
    disk = Path(facts["tree"], "disk")
    os.mknod(disk, stat.S_IFBLK | 0o600, facts["disk"])
    os.close(os.open(disk, os.O_RDONLY))
    return True


def find_disk(_facts: Facts) -> bool:
    return any(stat.S_ISBLK(path.lstat().st_mode) for path in Path("/dev").iterdir())


def change_kernel(_facts: Facts) -> bool:
    return any(
        _opens(f"/proc/sys/{name}") for name in ("kernel/core_pattern", "kernel/modprobe", "vm/overcommit_memory")
    )


def press_system_keys(_facts: Facts) -> bool:
    return _opens("/proc/sysrq-trigger")


def new_user_namespace(_facts: Facts) -> bool:
    return _libc.unshare(CLONE_NEWUSER) == 0


def keep_rights(_facts: Facts) -> bool:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return any(int(status[f"Cap{kind}"], 16) for kind in ("Eff", "Prm", "Bnd")) or status["NoNewPrivs"].strip() != "1"


def reach_host_port(facts: Facts) -> bool:
    socket.create_connection(("127.0.0.1", facts["port"]), timeout=1).close()
    return True


def reach_host_socket(facts: Facts) -> bool:
    return _can_connect(facts["socket"]) or _can_connect(f"\0{facts['abstract']}")


def reach_outside(_facts: Facts) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(UNROUTED)
    return True


def kill_outside(facts: Facts) -> bool:
    if facts["victim"] <= _last_pid():
        return False  # the number means a process of our own; the one outside is looked at afterwards
    os.kill(facts["victim"], signal.SIGKILL)
    return True


def trace_outside(facts: Facts) -> bool:
    return facts["victim"] > _last_pid() and _libc.ptrace(PTRACE_ATTACH, facts["victim"], None, None) == 0


def change_git_settings(facts: Facts) -> bool:
    return any(_changes(Path(facts["repository"], name)) for name in ("config", "HEAD", "hooks/pre-push"))


def change_git_objects(facts: Facts) -> bool:
    return _changes(Path(facts["repository"], "objects", "planted"))


def redirect_git(facts: Facts) -> bool:
    return any(_changes(Path(facts["git_folder"], name)) for name in ("commondir", "gitdir"))


def replace_git_file(facts: Facts) -> bool:
    file = Path(facts["tree"], ".git")
    file.rename(file.with_name(".old"))
    return True


def write_system(_facts: Facts) -> bool:
    return any(_changes(Path(folder, "planted")) for folder in ("/usr", "/etc", "/usr/local/bin", "/"))


def write_program(facts: Facts) -> bool:
    return any(_changes(Path(folder, "planted")) for folder in facts["programs"])


def reach_terminal(_facts: Facts) -> bool:
    os.close(os.open("/dev/tty", os.O_RDWR))
    return True


ATTEMPTS: dict[str, Attempt] = {
    "read a file of the data directory": read_data_directory,
    "read another worktree": read_other_worktree,
    "read what lies in the home of the worker's user": read_home,
    "read the passwords of this machine": read_passwords,
    "read another process's environment": read_environments,
    "see processes outside": see_processes,
    "go through the first process to the outer root": go_through_init,
    "make a read-only folder writable": make_writable_again,
    "uncover what is hidden": uncover,
    "make a disk device and open it": make_disk,
    "find a disk": find_disk,
    "change a setting of the kernel": change_kernel,
    "give orders to the kernel": press_system_keys,
    "make a user namespace": new_user_namespace,
    "keep a capability, or the way to new ones": keep_rights,
    "reach a port of this machine": reach_host_port,
    "reach a socket of this machine": reach_host_socket,
    "reach the network": reach_outside,
    "end a process outside": kill_outside,
    "trace a process outside": trace_outside,
    "change settings or hooks of git": change_git_settings,
    "change commits": change_git_objects,
    "point git elsewhere": redirect_git,
    "replace the worktree's `.git`": replace_git_file,
    "write to a system folder": write_system,
    "write to a folder of programs": write_program,
    "reach a terminal": reach_terminal,
}
"""By what they are called, in the words of a sentence that begins with `a contained program can`."""


def main(arguments: list[str]) -> int:
    facts = json.loads(Path(arguments[0]).read_text())
    succeeded = [name for name, attempt in ATTEMPTS.items() if _succeeds(attempt, facts)]
    sys.stdout.write(json.dumps(succeeded))
    return 0


def _succeeds(attempt: Attempt, facts: Facts) -> bool:
    try:
        return attempt(facts)
    except (OSError, ValueError):
        return False


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _changes(path: Path) -> bool:
    try:
        with path.open("a") as file:
            file.write("planted\n")
    except OSError:
        return False
    return True


def _opens(path: str) -> bool:
    """Whether it could be written to; nothing is."""
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def _can_connect(address: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address)
        except OSError:
            return False
        return True


def _last_pid() -> int:
    return max(int(path.name) for path in Path("/proc").glob("[0-9]*"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
