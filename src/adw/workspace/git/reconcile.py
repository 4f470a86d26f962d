"""Clears what killed processes left half done. Each function is called with the lock of what it clears held."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from adw.kit.git.bare import BareRepository
from adw.workspace.git import registration, trash
from adw.workspace.git.layout import Place
from adw.workspace.git.mirror import clear_stale_locks

_STALE_LOCK_S = 10.0
_STALE_DRAFT_S = 3600.0
_MANY_LOOSE_OBJECTS = 10_000


def clear_drafts(place: Place) -> list[str]:
    """A working tree that was never finished, and index files no process uses any more."""
    for file in place.state.glob("index.*"):
        if time.time() - file.lstat().st_mtime > _STALE_DRAFT_S:
            file.unlink(missing_ok=True)
    if trash.throw_away(place.draft, trash=place.trash):
        return [f"removed the half-made workspace {place.name}"]
    return []


def clear_repository(place: Place) -> list[str]:
    """Registrations without a working tree or without sense, and lock files of a killed git, in one mirror."""
    clear_stale_locks(place.mirror, older_than_s=_STALE_LOCK_S)
    clear_stale_locks(place.repository / "remote.git", older_than_s=_STALE_LOCK_S)
    shutil.rmtree(place.mirror / "worktrees.new", ignore_errors=True)
    live = {folder.name for folder in (place.repository / "workspaces").iterdir() if _has_tree(place, folder.name)}
    gone = registration.strangers(place.mirror, known=live)
    for folder in gone:
        trash.throw_away(folder, trash=place.trash)
    return [f"removed the dead registration {folder.name} of {place.project_id}" for folder in gone]


async def pack(place: Place, *, many: int = _MANY_LOOSE_OBJECTS) -> list[str]:
    """Packs a mirror that has gathered many loose objects; what nothing refers to goes after two weeks."""
    bare = BareRepository(path=place.mirror)
    if not bare.exists():
        return []
    bare.enforce()
    loose = int((await bare.git.text("count-objects")).split()[0])
    if loose < many:
        return []
    await bare.git.run("gc", "--quiet", "--prune=2.weeks.ago", timeout_s=3600)
    return [f"packed {loose} objects of {place.project_id}"]


def empty_trash(data_dir: Path) -> int:
    folders = [data_dir / "trees" / ".trash", *(data_dir / "repos").glob("*/trash")]
    return sum(trash.empty(folder) for folder in folders)


def _has_tree(place: Place, name: str) -> bool:
    return (place.tree.parent / name).is_dir()
