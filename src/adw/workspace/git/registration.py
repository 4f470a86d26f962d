"""What makes an agent's own `git status` work in a workspace: three small files that our git never reads.

They are written as a whole and renamed into place, so git never meets a half-registered working tree, and they are
written again when an agent changed them.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from adw.workspace.git.layout import Place
from adw.workspace.git.trash import throw_away

_USABLE_HEAD = re.compile(r"ref: refs/heads/\S+\n|(?!0+\n)(?:[0-9a-f]{40}|[0-9a-f]{64})\n")


def head_text(*, branch: str | None, sha: str) -> str:
    return f"{sha}\n" if branch is None else f"ref: refs/heads/{branch}\n"


def register(place: Place, *, head: str, index: Path) -> None:
    """Registers a workspace anew. Holders of the repository's lock only."""
    draft = place.mirror / "worktrees.new" / place.name
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, text in _files(place).items():
        (draft / name).write_text(text)
    (draft / "HEAD").write_text(head)
    if index.exists():
        shutil.copy2(index, draft / "index")
    throw_away(place.registration, trash=place.trash)
    place.registration.parent.mkdir(exist_ok=True)
    draft.rename(place.registration)


def link(place: Place, folder: Path) -> None:
    """Writes the `.git` file of a working tree, whatever an agent has put in its place."""
    file = folder / ".git"
    wanted = f"gitdir: {place.registration}\n"
    if _text(file) == wanted:
        return
    throw_away(file, trash=place.trash)
    file.write_text(wanted)


def is_sound(place: Place) -> bool:
    """Whether the registration is what we wrote; only HEAD may have moved to another branch or commit."""
    folder = place.registration
    if folder.is_symlink() or not folder.is_dir():
        return False
    if any(_text(folder / name) != text for name, text in _files(place).items()):
        return False
    if (folder / "index").is_dir():
        return False
    return _USABLE_HEAD.fullmatch(_text(folder / "HEAD")) is not None


def follow(place: Place, *, head: str, index: Path) -> None:
    """After we moved the branch: the agent's git sees the new head and a clean index."""
    if not is_sound(place):
        register(place, head=head, index=index)
        return
    for name, copy in (("HEAD", None), ("index", index)):
        draft = place.registration / f"{name}.adw"
        draft.unlink(missing_ok=True)
        if copy is None:
            draft.write_text(head)
        else:
            shutil.copy2(copy, draft)
        draft.replace(place.registration / name)


def strangers(mirror: Path, *, known: set[str]) -> list[Path]:
    """Registrations that are not ours: left by an agent's own `git worktree add`, or by a killed one."""
    folder = mirror / "worktrees"
    return [path for path in sorted(folder.iterdir()) if path.name not in known] if folder.is_dir() else []


def _files(place: Place) -> dict[str, str]:
    return {"commondir": "../..\n", "gitdir": f"{place.tree / '.git'}\n"}


def _text(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    return path.read_text(errors="replace")
