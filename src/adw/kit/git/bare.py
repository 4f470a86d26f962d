"""A bare repository that belongs to us: its configuration is this program's text, put back when someone edits it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from adw.kit.git.runner import Git

_SHA256_LENGTH = 64
_CONFIG = """\
# Written by ADW Orchestrator, and written again whenever it differs.
[core]
\trepositoryformatversion = {version}
\tfilemode = true
\tbare = true
\thooksPath = /dev/null
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
\tshallowUpdate = true
[user]
\tname = ADW Orchestrator
\temail = adw-orchestrator@users.noreply.github.com
[commit]
\tgpgSign = false
{extensions}"""
_SHA256_EXTENSION = "[extensions]\n\tobjectformat = sha256\n"
_OWN_FILES = "/.ports.env\n"
# Each of these changes what git does here and is never ours.
_FOREIGN = ("config.worktree", "info/attributes", "info/grafts", "info/sparse-checkout", "objects/info/alternates")


@dataclass(frozen=True, slots=True, kw_only=True)
class BareRepository:
    """A repository of ours at `path`."""

    path: Path

    @property
    def git(self) -> Git:
        return Git(git_dir=self.path)

    def exists(self) -> bool:
        return (self.path / "config").is_file()

    async def create(self, *, like: str = "", head: str | None = None) -> None:
        """Makes the repository unless it exists. `like` is a commit whose hash length decides the object format.

        It is built beside its place and renamed into it, so a killed process leaves nothing half made.
        """
        if self.exists():
            self.enforce()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self.path.parent))
        try:
            await self._initialise(draft, sha256=len(like) == _SHA256_LENGTH, head=head)
            with contextlib.suppress(OSError):  # another process was first
                draft.rename(self.path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.enforce()

    def enforce(self) -> bool:
        """Puts back what others changed in the settings; True when something was."""
        config = self.path / "config"
        text = _read(config)
        wanted = _config_text(sha256=_SHA256_EXTENSION.encode() in text)
        changed = _write_if_different(config, text=text, wanted=wanted)
        exclude = self.path / "info" / "exclude"
        changed |= _write_if_different(exclude, text=_read(exclude), wanted=_OWN_FILES.encode())
        for name in _FOREIGN:
            if os.path.lexists(self.path / name):
                _remove(self.path / name)
                changed = True
        return changed

    async def _initialise(self, draft: Path, *, sha256: bool, head: str | None) -> None:
        kind = "sha256" if sha256 else "sha1"
        await Git(git_dir=draft).run(
            "init", "--quiet", "--bare", "--template=", f"--object-format={kind}", f"--initial-branch={head or 'main'}"
        )
        (draft / "info").mkdir(exist_ok=True)
        (draft / "info" / "exclude").write_text(_OWN_FILES)
        (draft / "config").write_bytes(_config_text(sha256=sha256))


def _config_text(*, sha256: bool) -> bytes:
    return _CONFIG.format(version=int(sha256), extensions=_SHA256_EXTENSION if sha256 else "").encode()


def _read(path: Path) -> bytes:
    try:
        return b"" if path.is_symlink() else path.read_bytes()
    except OSError:
        return b""


def _write_if_different(path: Path, *, text: bytes, wanted: bytes) -> bool:
    if text == wanted:
        return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(wanted)
    Path(name).replace(path)
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
