"""What a forge's tests stand on: the forge, and a hand on its branches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from adw.domain.forge import PullRequest
from adw.ports.forge import Forge


class ForgeStage(Protocol):
    """A forge for one fresh project, and a hand on its branches. `base` exists and has one commit."""

    forge: Forge
    base: str
    ourselves: str
    """The name our own writing appears under."""

    def person(self, name: str) -> Forge:
        """The same forge, as somebody else writes on it."""
        ...

    async def commit(self, branch: str, files: Mapping[str, str]) -> str:
        """Puts a commit on a branch (new ones start at the base) of the forge and returns its id."""
        ...

    async def delete_branch(self, branch: str) -> None: ...

    async def files_on(self, branch: str) -> dict[str, str]: ...

    async def commits_on(self, branch: str) -> list[str]:
        """Subjects, newest first."""
        ...


async def open_pull(stage: ForgeStage, branch: str = "work", **changes: Any) -> PullRequest:
    if not changes.pop("pushed", False):
        await stage.commit(branch, {f"{branch}.txt": "new\n"})
    values: dict[str, Any] = {
        "head": branch,
        "base": stage.base,
        "title": f"Add {branch}",
        "body": "Because.",
        "draft": False,
        "key": None,
    }
    return await stage.forge.ensure_pull_request(**values | changes)
