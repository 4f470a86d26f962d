"""The Agent SDK's `SessionStore` on our rows: conversations outlive the process, the host and the config folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from claude_agent_sdk import (
    SessionKey,
    SessionListSubkeysKey,
    SessionStoreEntry,
    SessionStoreListEntry,
    SessionSummaryEntry,
    fold_session_summary,
)

from adw.ports.sessions import FoldSummary, TranscriptEntry, TranscriptKey, TranscriptRows


class ClaudeSessionStore:
    """A complete `SessionStore`, transcript bodies kept as the JSON text they are."""

    def __init__(self, rows: TranscriptRows) -> None:
        self._rows = rows

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        fold = None if key.get("subpath") else _fold_for(key)
        await self._rows.append(_transcript(key), [_to_row(entry) for entry in entries], fold=fold)

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        bodies = await self._rows.load(_transcript(key))
        return None if bodies is None else [json.loads(body) for body in bodies]

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        stored = await self._rows.list_sessions(project_key)
        return [{"session_id": session.session_id, "mtime": session.modified_ms} for session in stored]

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        stored = await self._rows.list_sessions(project_key)
        return [
            {"session_id": session.session_id, "mtime": session.modified_ms, "data": json.loads(session.summary)}
            for session in stored
            if session.summary is not None
        ]

    async def delete(self, key: SessionKey) -> None:
        await self._rows.delete(_transcript(key))

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        return await self._rows.list_subpaths(
            TranscriptKey(project_key=key["project_key"], session_id=key["session_id"])
        )


def _transcript(key: SessionKey) -> TranscriptKey:
    return TranscriptKey(project_key=key["project_key"], session_id=key["session_id"], subpath=key.get("subpath") or "")


def _to_row(entry: SessionStoreEntry) -> TranscriptEntry:
    uuid = cast("dict[str, Any]", entry).get("uuid")
    # ASCII escapes keep NUL and lone surrogates, which PostgreSQL text cannot hold raw
    return TranscriptEntry(body=json.dumps(entry, ensure_ascii=True), uuid=uuid if isinstance(uuid, str) else None)


def _fold_for(key: SessionKey) -> FoldSummary:
    def fold(previous: str | None, bodies: Sequence[str]) -> str:
        before: SessionSummaryEntry | None = None
        if previous is not None:
            before = {"session_id": key["session_id"], "mtime": 0, "data": json.loads(previous)}
        after = fold_session_summary(before, key, [json.loads(body) for body in bodies])
        return json.dumps(after["data"], ensure_ascii=True)

    return fold
