"""Rounds on an open pull request: asked for by people, begun when there is something to answer."""

from __future__ import annotations

from adw.domain.message import MAX_MESSAGE_CHARS
from adw.kit.errors import UsageError
from adw.store.db import Database
from adw.store.watches import find_open, leave_request, wake_watches


async def ask_round(
    database: Database, *, project_id: str, pr_number: int, actor: str, text: str, key: str
) -> str | None:
    """Leaves what somebody asks for on a pull request of ours; the next look at it lets a round begin.

    The caller has checked that they may. Returns the workflow's id, None when the pull request is not an open one of
    ours. The same key counts once. Raises UsageError for a text that says nothing.
    """
    wanted = text.strip()[:MAX_MESSAGE_CHARS]
    if not wanted:
        raise UsageError("the request says nothing", hint="say what is to be changed")
    async with database.begin() as connection:
        adw_id = await find_open(connection, project_id=project_id, pr_number=pr_number)
        if adw_id is None:
            return None
        await leave_request(connection, adw_id=adw_id, key=key, actor=actor, body=wanted)
        await wake_watches(connection, project_id=project_id, pr_number=pr_number)
        return adw_id
