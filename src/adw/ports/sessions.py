"""Where transcripts of agent conversations are kept, so that any worker on any host can continue them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

FoldSummary = Callable[[str | None, Sequence[str]], str]
"""Makes the next summary from the previous one and the entries that are new. Pure; both are JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptKey:
    """Names one transcript: a conversation of a project, or with `subpath` a side conversation of it."""

    project_key: str
    session_id: str
    subpath: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptEntry:
    """One line of a transcript. `body` is JSON text that only its writer understands."""

    body: str
    uuid: str | None = None
    """Identifies the entry: appending it again changes nothing. Entries without one are always appended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """A conversation as listed: when it last grew (milliseconds since the epoch) and its summary, JSON text."""

    session_id: str
    modified_ms: int
    summary: str | None


class TranscriptRows(Protocol):
    """Rows of transcripts. Every call is one transaction."""

    async def append(
        self, key: TranscriptKey, entries: Sequence[TranscriptEntry], *, fold: FoldSummary | None = None
    ) -> None:
        """Adds entries in order. Appends to one transcript exclude one another; `fold` runs under that lock."""
        ...

    async def load(self, key: TranscriptKey) -> list[str] | None:
        """The bodies of all entries in order, or None when nothing was ever appended."""
        ...

    async def list_sessions(self, project_key: str) -> list[StoredSession]:
        """The project's conversations, without side conversations."""
        ...

    async def delete(self, key: TranscriptKey) -> None:
        """Deletes a transcript; one without `subpath` takes its side conversations along."""
        ...

    async def list_subpaths(self, key: TranscriptKey) -> list[str]:
        """The side conversations of a conversation."""
        ...
