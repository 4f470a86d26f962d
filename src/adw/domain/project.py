"""A repository under management."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ForgeKind(StrEnum):
    """Where a project's issues and pull requests live."""

    LOCAL = "local"
    GITHUB = "github"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project's row. `source` is the path of a person's repository, or `owner/name` on a forge."""

    id: str
    name: str
    forge: ForgeKind
    source: str
    base_branch: str
    created_at: datetime
    remote: str | None = None
    """Where the local forge's own repository was first made; workers with another data directory use it as well."""
