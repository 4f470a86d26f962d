"""Where a cluster and its socket live.

Normally in `<data_dir>/postgres`. When we are root, the server runs as another user; if that user cannot reach the data
directory (as below /root), the cluster lives under `/var/lib/adw` (else `/var/tmp/adw`), and the file
`<data_dir>/postgres/location` names it from then on. Permissions of existing folders are never changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adw.kit.errors import DatabaseError
from adw.kit.postgres.account import Account, choose_account

PORT = 5432
SHARED_FOLDERS = (Path("/var/lib/adw"), Path("/var/tmp/adw"))  # noqa: S108 - its owner and mode are verified

_MAX_SOCKET_PATH_BYTES = 103
_SOCKET_FALLBACK = Path("/tmp")  # noqa: S108 - not TMPDIR: every process must find the same one; verified like the above
_PLAIN_PATH = re.compile(r"[\w./+@:=-]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One cluster: everything in `home` belongs to `account`."""

    home: Path
    socket_dir: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket(self) -> Path:
        return self.socket_dir / f".s.PGSQL.{PORT}"

    def prepare_socket_dir(self) -> None:
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        self.account.give(self.socket_dir)
        _require_private(self.socket_dir, owner=self.account.uid, forbidden=0o077)


def marker_of(data_dir: Path) -> Path:
    """The folder in the data directory that holds the locks, and normally the cluster."""
    return data_dir.absolute() / "postgres"


def settle(data_dir: Path, *, shared_folder: Path | None = None) -> Place:
    """Decides once and for all where the cluster of a data directory lives, and makes that folder.

    To be called under the start lock, so that two processes cannot decide differently.
    """
    marker = marker_of(data_dir)
    location = marker / "location"
    home = _recorded(location) or marker
    account = choose_account(home / "data", home, data_dir)
    if home == marker and not account.can_enter(data_dir):
        if (home / "data").exists():
            raise DatabaseError(
                f"The database in {home} belongs to {account.name}, who cannot reach that folder",
                hint="Let that user pass through the folders above it, or choose another ADW_DATA_DIR",
            )
        home = _elsewhere(data_dir, account, shared_folder)
        _record(location, home)
    account.give(home)
    return Place(home=home, socket_dir=_socket_dir(home, account), account=account)


def discard(data_dir: Path, *, shared_folders: Sequence[Path] = SHARED_FOLDERS) -> None:
    """Deletes what a data directory that is about to be deleted keeps elsewhere. Its server must have stopped.

    Only a cluster that we recorded and put into a folder of ours is touched.
    """
    home = _recorded(marker_of(data_dir) / "location")
    if home is None or home.parent not in shared_folders:
        return
    socket_dir = _fallback_socket_dir(home, home.stat().st_uid) if home.exists() else None
    shutil.rmtree(home, ignore_errors=True)
    if socket_dir is not None:
        shutil.rmtree(socket_dir, ignore_errors=True)


def shared_folder_for(account: Account, wanted: Path | None = None) -> Path:
    """A folder of root's that everyone may pass through, for what the server's user must reach."""
    for folder in SHARED_FOLDERS if wanted is None else (wanted,):
        if not os.access(folder.parent, os.W_OK):
            continue
        folder.mkdir(mode=0o711, exist_ok=True)
        _require_private(folder, owner=os.geteuid(), forbidden=0o022)
        if account.can_enter(folder):
            return folder
    raise DatabaseError(
        f"There is no folder where {account.name} could keep a database for root",
        hint="Run as an ordinary user, or set DATABASE_URL to a PostgreSQL server",
    )


def _elsewhere(data_dir: Path, account: Account, shared_folder: Path | None) -> Path:
    # A random part: a data directory that is deleted and made again must not find its predecessor's data.
    home = shared_folder_for(account, shared_folder) / f"{data_dir.absolute().name}-{secrets.token_hex(6)}"
    home.mkdir(mode=0o700)
    return home


def _recorded(location: Path) -> Path | None:
    try:
        owner = location.lstat().st_uid
    except FileNotFoundError:
        return None
    if owner != os.geteuid():
        # Whoever could write it could lead root to any folder; an ordinary user could not read what root keeps there.
        raise DatabaseError(
            f"The database of {location.parent.parent} is kept for user id {owner}",
            hint="Run as that user, or choose another ADW_DATA_DIR",
        )
    return Path(location.read_text().strip())


def _record(location: Path, home: Path) -> None:
    temporary = location.with_suffix(".new")
    temporary.write_text(f"{home}\n")
    temporary.replace(location)


def _socket_dir(home: Path, account: Account) -> Path:
    near = home / "socket"
    path = near / f".s.PGSQL.{PORT}.lock"
    if len(os.fsencode(path)) <= _MAX_SOCKET_PATH_BYTES and _PLAIN_PATH.fullmatch(str(near)):
        return near
    return _fallback_socket_dir(home, account.uid)


def _fallback_socket_dir(home: Path, uid: int) -> Path:
    digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:16]
    return _SOCKET_FALLBACK / f"adw-{uid}-{digest}"


def _require_private(folder: Path, *, owner: int, forbidden: int) -> None:
    facts = folder.lstat()
    if stat.S_ISDIR(facts.st_mode) and facts.st_uid == owner and not facts.st_mode & forbidden:
        return
    raise DatabaseError(f"{folder} is not a private folder of ours", hint=f"Remove {folder}; it will be made again")
