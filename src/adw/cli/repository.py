"""The repository a command speaks of: a folder on this machine, or one on a forge of the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_ADDRESS = re.compile(r"[a-z+]+://|git@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`reference` is what the server is told. `folder` is None when nothing of it is known to be on this machine."""

    reference: str
    folder: Path | None

    @property
    def here(self) -> Path:
        """The folder, or else the one the command was given in."""
        return self.folder or Path.cwd()


def repository(named: str) -> Repository:
    """A folder that exists comes first; `owner/name` and addresses are of the network; anything else is a path.

    Of a folder inside a repository its top is meant. What is wrong with a path the server says.
    """
    path = Path(named).expanduser()
    if not path.exists() and (_FULL_NAME.fullmatch(named) or _ADDRESS.match(named)):
        return Repository(reference=named, folder=None)
    folder = path.resolve()
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    return Repository(reference=str(top), folder=top)
