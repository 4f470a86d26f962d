"""What `adw db` does: PostgreSQL's own programs, on whichever database is in use."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from adw.cli.server.lock import is_locked
from adw.kit.errors import ConflictError, DatabaseError, NotFoundError
from adw.kit.paths import DataPaths
from adw.kit.postgres import EmbeddedPostgres, find_binaries
from adw.kit.settings import Settings
from adw.store.migrations import migrate
from adw.store.migrations import status as migration_status
from adw.wiring.database import running_database

_PASSWORD = re.compile(r"(?P<before>//[^:/@]*):[^@/]*@")
_OUR_SCHEMAS = ("public", "dbos")


def address(settings: Settings) -> str:
    """The database's URL without its password."""
    if settings.database_url is not None:
        return _PASSWORD.sub(r"\g<before>:****@", settings.database_url)
    return EmbeddedPostgres(data_dir=settings.data_dir).status().url


def database_status(settings: Settings) -> dict[str, Any]:
    """Which database it is and whether it fits this version; starts the embedded one for the question."""
    with running_database(settings) as running:
        url = running.url
        found = migration_status(url)
    return {
        "kind": "embedded" if settings.database_url is None else "external",
        "url": address(settings),
        "reachable": True,
        "current": found.current,
        "head": found.head,
        "isCurrent": found.is_current,
    }


def run_psql(settings: Settings, words: Sequence[str]) -> int:
    """Runs psql on the database and returns its exit code."""
    psql = program("psql")
    with running_database(settings) as running:
        url = running.url
        return subprocess.run([psql, *_target(url), *words], check=False, env=_environment(url)).returncode


def write_backup(settings: Settings, file: Path, *, force: bool) -> int:
    """Writes a backup and returns its size in bytes. Raises ConflictError rather than replace a file unasked."""
    if file.exists() and not force:
        raise ConflictError(f"{file} exists", hint="choose another name, or add --force")
    draft = file.with_name(f".{file.name}.draft")
    with running_database(settings) as running:
        url = running.url
        _run([program("pg_dump"), "--format=custom", "--no-owner", f"--file={draft}", *_target(url)], url)
    draft.chmod(0o600)
    draft.replace(file)
    return file.stat().st_size


def restore_backup(settings: Settings, file: Path) -> None:
    """Replaces the content by a backup's. Raises ConflictError while a server uses the database."""
    if not file.is_file():
        raise NotFoundError(f"there is no file {file}", hint="give what `adw db backup` wrote")
    paths = DataPaths(settings.data_dir).ensure()
    if is_locked(paths.server_lock):
        raise ConflictError("a server is using the database", hint="stop it first; a background one ends when idle")
    restore, psql = program("pg_restore"), program("psql")
    with running_database(settings) as running:
        url = running.url
        _run([restore, "--list", str(file)], url)
        for schema in _OUR_SCHEMAS:
            _run([psql, "-qc", f"DROP SCHEMA IF EXISTS {schema} CASCADE", *_target(url)], url)
        _run([psql, "-qc", "CREATE SCHEMA IF NOT EXISTS public", *_target(url)], url)
        _run([restore, "--no-owner", "--exit-on-error", "--single-transaction", *_target(url), str(file)], url)
        migrate(url)


def program(name: str) -> str:
    """One of PostgreSQL's programs: of the embedded server's, else on PATH. Raises DatabaseError."""
    try:
        beside = Path(find_binaries().program(name))
    except DatabaseError:
        beside = None
    found = str(beside) if beside is not None and beside.is_file() else shutil.which(name)
    if found is None:
        raise DatabaseError(f"{name} was not found", hint="install PostgreSQL's client programs (16 or newer)")
    return found


def _target(url: str) -> list[str]:
    # The password goes by environment: arguments can be seen by everybody on the machine.
    return ["--dbname", _without_password(url)]


def _environment(url: str) -> dict[str, str]:
    password = urlsplit(url).password
    extra = {} if password is None else {"PGPASSWORD": unquote(password)}
    return {**os.environ, **extra, "PGCONNECT_TIMEOUT": "10"}


def _without_password(url: str) -> str:
    plain = re.sub(r"^postgresql\+\w+:", "postgresql:", url)
    return _PASSWORD.sub(r"\g<before>@", plain)


def _run(command: Sequence[str], url: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(url))
    if done.returncode != 0:
        name = Path(command[0]).name
        raise DatabaseError(f"{name} failed: {done.stderr.strip() or 'it said nothing'}", hint="see `adw db status`")
