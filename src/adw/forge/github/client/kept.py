"""Conditional requests: what GitHub answered before is asked for again by its ETag, also after a restart."""

from __future__ import annotations

from hashlib import sha256

from adw.forge.github.client.wire import Reply
from adw.store import github_cache
from adw.store.db import Database
from adw.store.github_cache import KeptAnswer

_OK = 200
_PRUNE_EVERY = 100


class KeptAnswers:
    """Answers of one address, for each credential."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written = 0

    async def find(self, credential: str, request: str) -> KeptAnswer | None:
        async with self._database.read() as connection:
            return await github_cache.kept_answer(connection, credential=credential, request=request)

    async def note_use(self, credential: str, request: str) -> None:
        async with self._database.begin() as connection:
            await github_cache.note_use(connection, credential=credential, request=request)

    async def keep(self, credential: str, request: str, reply: Reply) -> None:
        etag = reply.headers.get("etag")
        if reply.status != _OK or not etag:
            return
        answer = KeptAnswer(etag=etag, body=reply.body, link=reply.headers.get("link"))
        self._written += 1
        async with self._database.begin() as connection:
            await github_cache.keep_answer(connection, answer, credential=credential, request=request)
            if self._written % _PRUNE_EVERY == 0:
                await github_cache.prune_answers(connection)


def request_name(*, url: str, media: str) -> str:
    """Addresses may be long, and need not be readable in the database."""
    return sha256(f"{media} {url}".encode()).hexdigest()
