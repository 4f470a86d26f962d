"""Where the plain runtime keeps conversations that nobody will continue: nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from adw.ports.sessions import FoldSummary, StoredSession, TranscriptEntry, TranscriptKey


class Unkept:
    """Implements `adw.ports.sessions.TranscriptRows` by forgetting."""

    async def append(
        self, key: TranscriptKey, entries: Sequence[TranscriptEntry], *, fold: FoldSummary | None = None
    ) -> None: ...

    async def load(self, key: TranscriptKey) -> list[str] | None:
        del key
        return None

    async def list_sessions(self, project_key: str) -> list[StoredSession]:
        del project_key
        return []

    async def delete(self, key: TranscriptKey) -> None: ...

    async def list_subpaths(self, key: TranscriptKey) -> list[str]:
        del key
        return []
