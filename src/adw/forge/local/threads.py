"""Threads of the local forge: each remark of a review begins one. It does not follow lines, so none is outdated."""

from __future__ import annotations

from adw.domain.effect_key import check_key
from adw.domain.forge import OURSELVES
from adw.domain.forge_text import check_body, check_name
from adw.domain.threads import ReviewThread, ThreadComment
from adw.forge.local.numbers import row_id
from adw.store import local_forge, local_threads
from adw.store.watches import wake_watches


class LocalThreads:
    """Implements `adw.ports.forge.ThreadForge`."""

    def __init__(self, begin: local_forge.Begin, *, project_id: str) -> None:
        self._begin = begin
        self._project_id = project_id

    async def list_threads(self, number: int) -> list[ReviewThread]:
        async with self._begin() as connection:
            return await local_threads.list_threads(connection, project_id=self._project_id, number=number)

    async def reply_to_thread(
        self, number: int, *, thread_id: str, body: str, key: str | None, author: str = OURSELVES
    ) -> ThreadComment:
        text, name = check_body(body, required=True), check_name(author)
        async with self._begin() as connection:
            said = await local_threads.reply(
                connection,
                project_id=self._project_id,
                number=number,
                thread_id=row_id(thread_id, what="thread"),
                body=text,
                author=name,
                key=None if key is None else check_key(key),
            )
            if name != OURSELVES:
                await wake_watches(connection, project_id=self._project_id, pr_number=number)
            return said

    async def resolve_thread(self, number: int, *, thread_id: str) -> None:
        async with self._begin() as connection:
            await local_threads.resolve(
                connection,
                project_id=self._project_id,
                number=number,
                thread_id=row_id(thread_id, what="thread"),
            )
