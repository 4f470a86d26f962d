"""Makes a cluster, wholly or not at all, and writes its settings."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from adw.kit.errors import DatabaseError
from adw.kit.postgres.binaries import PostgresBinaries
from adw.kit.postgres.place import PORT, Place

SUPERUSER = "adw"
DATABASE = "adw"

_SETTINGS_FILE = "adw.conf"
_UNFINISHED = "data.new-"
_INITDB_TIMEOUT_S = 300.0
_BUILTIN_LOCALE_SINCE = 17

# Durability is complete; memory is small; only the unix socket is open.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # No one is served before recovery is complete: a half-recovered server would refuse to write.
    "hot_standby": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


def cluster_major(data: Path) -> int | None:
    """The PostgreSQL version a cluster belongs to, None when there is no cluster."""
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DatabaseError(f"{data} is damaged: PG_VERSION holds no version", hint="Restore a backup") from error


def create_cluster(place: Place, binaries: PostgresBinaries) -> None:
    """Makes the cluster beside its place and moves it there when complete, so that a crash leaves no half of it."""
    if place.data.exists() and any(place.data.iterdir()):
        raise DatabaseError(f"{place.data} is not empty and no database", hint=f"Move {place.data} away")
    remove_unfinished(place)
    unfinished = place.home / f"{_UNFINISHED}{secrets.token_hex(4)}"
    run_as_server(place, binaries, _initdb(binaries, unfinished), timeout_s=_INITDB_TIMEOUT_S)
    with (unfinished / "postgresql.conf").open("a") as file:
        file.write(f"\ninclude_if_exists '{_SETTINGS_FILE}'\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(place.data)
    _sync_folder(place.home)


def remove_unfinished(place: Place) -> None:
    """Clears away what an interrupted start has left."""
    for remains in place.home.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(remains, ignore_errors=True)


def write_settings(place: Place) -> None:
    """Writes our settings anew at each start: the socket's folder may have changed."""
    settings = _SETTINGS | {"unix_socket_directories": str(place.socket_dir)}
    path = place.data / _SETTINGS_FILE
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    # Exclusive, and owned by descriptor: the folder is the server's, who must not lead root to another file.
    with temporary.open("x") as file:
        place.account.give(file.fileno())
        file.write("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    temporary.replace(path)


def run_as_server(place: Place, binaries: PostgresBinaries, argv: list[str], *, timeout_s: float) -> None:
    """Runs one of PostgreSQL's programs as the server's user. Raises `DatabaseError` with what it said."""
    try:
        done = subprocess.run(
            argv,
            cwd="/",
            env={"PATH": f"{binaries.bin_dir}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(place.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            umask=0o077,
            start_new_session=True,
            check=False,
            **place.account.run_options(),
        )
    except subprocess.TimeoutExpired as error:
        raise DatabaseError(f"{Path(argv[0]).name} did not end within {timeout_s:g} s") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise DatabaseError(f"Cannot run {argv[0]} as {place.account.name}: {error}") from error
    if done.returncode != 0:
        raise DatabaseError(f"{Path(argv[0]).name} failed: {done.stdout.strip()[-2000:]}")


def _initdb(binaries: PostgresBinaries, folder: Path) -> list[str]:
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return [
        binaries.program("initdb"),
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        *(builtin if binaries.major >= _BUILTIN_LOCALE_SINCE else []),
    ]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
