"""Moves one conversation between our store and the CLI's configuration folder.

Keys in the store do not depend on the folder an agent works in, so another host can continue a conversation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from claude_agent_sdk import (
    SessionKey,
    SessionListSubkeysKey,
    SessionStoreEntry,
    project_key_for_directory,
)

_SPOKEN = ("user", "assistant")


class Transcripts(Protocol):
    """What we use of a session store."""

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None: ...

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None: ...

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]: ...


class Mirror:
    """The store as the SDK sees it: it writes through us and never reads.

    Were it to read, it would resume from a temporary folder of its own choice, outside the environment we give the CLI.
    """

    def __init__(self, transcripts: Transcripts, *, project_key: str) -> None:
        self._transcripts = transcripts
        self._project_key = project_key

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        await self._transcripts.append({**key, "project_key": self._project_key}, entries)

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:  # noqa: ARG002 - the SDK's signature
        return None


async def restore(transcripts: Transcripts, *, project_key: str, session_id: str, config: Path, cwd: Path) -> bool:
    """Writes a stored conversation where the CLI looks for it. False when nothing worth resuming is stored."""
    entries = await transcripts.load({"project_key": project_key, "session_id": session_id})
    if not is_resumable(entries):
        return False
    folder = config / "projects" / project_key_for_directory(cwd)
    _write(folder / f"{session_id}.jsonl", entries or [])
    for subpath in await transcripts.list_subkeys({"project_key": project_key, "session_id": session_id}):
        side = await transcripts.load({"project_key": project_key, "session_id": session_id, "subpath": subpath})
        path = folder / session_id / f"{subpath}.jsonl"
        if ".." not in path.parts:
            _write(path, side or [])
    return True


def is_resumable(entries: Sequence[SessionStoreEntry] | None) -> bool:
    """True when something was said: the CLI refuses transcripts that hold only its own notes."""
    return any(entry.get("type") in _SPOKEN for entry in entries or ())


def _write(path: Path, entries: Sequence[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(entry, separators=(",", ":")) for entry in entries)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
