"""Where things are in the data directory.

repos/<project>/mirror.git              commits of all workflows of a project
repos/<project>/lock                    held for every change of the mirror's metadata
repos/<project>/workspaces/<name>/      what we know of a workspace: spec.json, index, lock
trees/<name>/                           its files
trees/.new/<name>, trees/.trash/        being made, being deleted
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from adw.kit.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The paths of one workspace."""

    data_dir: Path
    project_id: str
    name: str

    def __post_init__(self) -> None:
        for text in (self.project_id, self.name):
            if _NAME.fullmatch(text) is None or ".." in text or text.endswith((".lock", ".")):
                raise UsageError(f"{text!r} cannot be the name of a folder", hint="Use letters, digits, '.', '_', '-'")

    @property
    def repository(self) -> Path:
        return self.data_dir / "repos" / self.project_id

    @property
    def mirror(self) -> Path:
        return self.repository / "mirror.git"

    @property
    def state(self) -> Path:
        return self.repository / "workspaces" / self.name

    @property
    def index(self) -> Path:
        return self.state / "index"

    @property
    def lock(self) -> Path:
        return self.state / "lock"

    @property
    def tree(self) -> Path:
        return self.data_dir / "trees" / self.name

    @property
    def draft(self) -> Path:
        return self.data_dir / "trees" / ".new" / self.name

    @property
    def trash(self) -> Path:
        return self.data_dir / "trees" / ".trash"

    @property
    def registration(self) -> Path:
        return self.mirror / "worktrees" / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What is written down about a workspace."""

    branch: str | None
    base_sha: str
    private: tuple[str, ...]
    remote: str | None = None
    """Where it is pushed; None for one that was made before this was written down."""

    def is_another_commit_than(self, before: Remembered | None) -> bool:
        """Whether a detached workspace must be made anew; one on a branch moves by commits."""
        return self.branch is None and before is not None and before.base_sha != self.base_sha

    def write(self, place: Place) -> None:
        place.state.mkdir(parents=True, exist_ok=True)
        draft = place.state / "spec.json.new"
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(place.state / "spec.json")

    @staticmethod
    def read(place: Place) -> Remembered | None:
        try:
            values = json.loads((place.state / "spec.json").read_text())
        except FileNotFoundError:
            return None
        return Remembered(
            branch=values["branch"],
            base_sha=values["base_sha"],
            private=tuple(values["private"]),
            remote=values.get("remote"),
        )


def places(data_dir: Path) -> list[Place]:
    """Every workspace anything is known of, by name."""
    found = (data_dir / "repos").glob("*/workspaces/*/spec.json")
    return sorted(
        (Place(data_dir=data_dir, project_id=path.parts[-4], name=path.parts[-2]) for path in found),
        key=lambda place: (place.name, place.project_id),
    )
