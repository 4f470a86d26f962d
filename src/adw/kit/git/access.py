"""How git gets at a remote: local paths without running their hooks, URLs with a token that only askpass can read."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from adw.kit.errors import UsageError
from adw.kit.git.runner import HARDENING, Git

# The other side of a local path is a program of its own that reads that repository's configuration.
_PEER_FLAGS = " ".join(f"-c {setting}" for setting in HARDENING if not setting.endswith("="))

# Git asks "Username for 'https://host': ", then "Password for 'https://user@host': ". The host must be the one the
# token is for, whatever a redirect or a rewritten URL says.
_ASKPASS = """\
#!/bin/sh
case "$1" in
  "Username for '$ADW_ASKPASS_ORIGIN': ") cat "$ADW_ASKPASS_FOLDER/user" ;;
  "Password for '$ADW_ASKPASS_WITH_USER': ") cat "$ADW_ASKPASS_FOLDER/token" ;;
  *) exit 1 ;;
esac
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user name and a token for HTTPS."""

    token: str
    user: str = "x-access-token"

    def __repr__(self) -> str:
        return f"Credential(user={self.user!r})"


class RemoteAccess(Protocol):
    """Knows the credential for a URL."""

    async def credential_for(self, url: str) -> Credential | None: ...


def is_local(remote: Path | str) -> bool:
    """Whether a remote is a path on this machine rather than a URL (or `host:path` for ssh)."""
    return isinstance(remote, Path) or remote.startswith(("/", "./", "../", "~"))


def remote_arguments(remote: Path | str, *, pushing: bool = False) -> tuple[str, ...]:
    """Options and the remote itself, ready for `fetch`, `ls-remote` or `push`."""
    if not is_local(remote):
        if str(remote).startswith("-"):
            raise UsageError(f"{remote!r} is not the address of a repository")
        return ("--", str(remote))
    program = "receive-pack" if pushing else "upload-pack"
    return (f"--{program}=git {_PEER_FLAGS} {program}", "--", str(Path(remote).expanduser().absolute()))


@contextlib.asynccontextmanager
async def authorised(git: Git, remote: Path | str, access: RemoteAccess | None) -> AsyncGenerator[Git]:
    """The same git, able to log in to `remote`. The token exists only in a 0600 file, only inside this block."""
    if is_local(remote):
        yield git
        return
    url = str(remote)
    credential = await access.credential_for(url) if access is not None else None
    if credential is None:
        yield git.using(extra=_home())
        return
    folder = Path(tempfile.mkdtemp(prefix="adw-askpass-"))
    try:
        yield git.using(extra=_home() | _prepare_askpass(folder, url=url, credential=credential))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare_askpass(folder: Path, *, url: str, credential: Credential) -> dict[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    for name, text, mode in (
        ("user", credential.user, 0o600),
        ("token", credential.token, 0o600),
        ("askpass", _ASKPASS, 0o700),
    ):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
    return {
        "GIT_ASKPASS": str(folder / "askpass"),
        "ADW_ASKPASS_FOLDER": str(folder),
        "ADW_ASKPASS_ORIGIN": f"{parts.scheme}://{host}",
        "ADW_ASKPASS_WITH_USER": f"{parts.scheme}://{credential.user}@{host}",
    }


def _home() -> dict[str, str]:
    return {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}
