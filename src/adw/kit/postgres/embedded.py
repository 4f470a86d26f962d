"""A real PostgreSQL in the data directory: starts with its first user, stops with its last, survives `kill -9`."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from adw.kit.errors import DatabaseError
from adw.kit.postgres.binaries import PostgresBinaries, find_binaries
from adw.kit.postgres.cluster import DATABASE, SUPERUSER, cluster_major, create_cluster, remove_unfinished
from adw.kit.postgres.locks import UserShare, exclusive
from adw.kit.postgres.place import PORT, Place, marker_of, settle
from adw.kit.postgres.portable import reachable
from adw.kit.postgres.probe import Answer
from adw.kit.postgres.server import answer, postmaster, start_server, stop_server, wait_until_ready

DEFAULT_START_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresStatus:
    """What is known about the server. `version` is the cluster's major version, None before its first start."""

    running: bool
    pid: int | None
    version: int | None
    url: str
    data: Path
    log: Path


class EmbeddedPostgres:
    """One process's share in the server of one data directory.

    Any number of processes and threads may use the same directory. The server stops when the last of them closes; users
    that were killed do not count. A server still recovering after `start_timeout_s` is a `DatabaseError`, but goes on.
    `shared_folder` is where root keeps what the server's user cannot reach in the data directory.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        binaries: PostgresBinaries | None = None,
        start_timeout_s: float = DEFAULT_START_TIMEOUT_S,
        shared_folder: Path | None = None,
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._marker = marker_of(data_dir)
        self._binaries = binaries
        self._start_timeout_s = start_timeout_s
        self._shared_folder = shared_folder
        self._share = UserShare(self._marker / "users.lock")
        self._thread_lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> str:
        """Makes sure that the server runs and that this process is one of its users; returns its URL.

        Blocking; may be repeated, which restarts a server that was killed. Raises `DatabaseError`.
        """
        with self._alone() as place:
            self._ensure_running(place)
            self._share.take()
            return _url(place)

    def close(self) -> None:
        """Gives up this process's share; the last user stops the server. Harmless when repeated."""
        if not self._share.is_held:
            return
        with self._alone() as place:
            try:
                if self._share.is_last():
                    stop_server(place)
            finally:
                self._share.release()

    def stop(self) -> bool:
        """Stops the server though others may use it; their next `start` brings it back. False when it did not run."""
        with self._alone() as place:
            self._share.release()
            return stop_server(place)

    def status(self) -> PostgresStatus:
        """Looks without starting anything."""
        with self._alone() as place:
            identity = postmaster(place)
            return PostgresStatus(
                running=answer(place) in {Answer.READY, Answer.NO_DATABASE},
                pid=None if identity is None else identity.pid,
                version=cluster_major(place.data),
                url=_url(place),
                data=place.data,
                log=place.log,
            )

    @contextmanager
    def _alone(self) -> Generator[Place]:
        with self._thread_lock:
            try:
                self._marker.mkdir(mode=0o700, parents=True, exist_ok=True)
                with exclusive(self._marker / "start.lock", timeout_s=self._start_timeout_s):
                    yield settle(self._data_dir, shared_folder=self._shared_folder)
            except OSError as error:
                raise DatabaseError(
                    f"The database cannot use {error.filename or self._marker}: {error.strerror}",
                    hint=f"Make {self._data_dir} writable for {_whoami()}, choose another ADW_DATA_DIR, "
                    "or set DATABASE_URL to a PostgreSQL server",
                ) from error

    def _ensure_running(self, place: Place) -> None:
        said = answer(place)
        if said not in {Answer.READY, Answer.NO_DATABASE} and postmaster(place) is not None:
            if not place.socket.exists():
                # Alive but without its door, as after a clean-up of temporary files: it cannot be reached again.
                stop_server(place)
            said = wait_until_ready(place, timeout_s=self._start_timeout_s)
        if said not in {Answer.READY, Answer.NO_DATABASE}:
            self._start(place)
            said = wait_until_ready(place, timeout_s=self._start_timeout_s)
        if said is Answer.NO_DATABASE:
            _create_database(place)

    def _start(self, place: Place) -> None:
        major = cluster_major(place.data)
        binaries = self._binaries or find_binaries(major=major)
        binaries = reachable(binaries, place, shared_folder=self._shared_folder)
        if major is None:
            create_cluster(place, binaries)
        else:
            remove_unfinished(place)
        start_server(place, binaries, timeout_s=self._start_timeout_s)


def _create_database(place: Place) -> None:
    import psycopg

    try:
        with psycopg.connect(_url(place, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")  # pyright: ignore[reportArgumentType]
    except psycopg.Error as error:
        raise DatabaseError(f"The database {DATABASE} cannot be created: {error}") from error


def _url(place: Place, database: str = DATABASE) -> str:
    return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(place.socket_dir), safe='')}&port={PORT}"


def _whoami() -> str:
    return f"user id {os.geteuid()}"
