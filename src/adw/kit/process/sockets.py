"""Where unix sockets can be: their paths are short, and nobody else may get at them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

MAX_SOCKET_PATH_BYTES = 100


def socket_place(folder: Path, name: str) -> tuple[Path, Path | None]:
    """A path for a socket in `folder`, or in a short private folder, returned as well, when that path is too long."""
    path = folder.absolute() / name
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path, None
    own_folder = Path(tempfile.mkdtemp(prefix="adw-"))
    return own_folder / name, own_folder
