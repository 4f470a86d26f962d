"""Telling a person why nothing was started: once on an issue for each reason, where they could expect an answer."""

from __future__ import annotations

from adw.domain.account import Permission
from adw.domain.project import Project
from adw.domain.triggers import Outcome, Verdict, Why
from adw.domain.trust import NEEDED, Standing
from adw.intake.triggers.parts import TriggerParts
from adw.kit.errors import AdwError
from adw.kit.log import get_logger
from adw.store.trigger_intents import may_reply

SILENT = frozenset({Why.BLOCKED, Why.AUTHOR_BLOCKED})
"""Reasons nobody is told."""

_log = get_logger("triggers")


async def tell(parts: TriggerParts, project: Project, *, number: int, who: Standing, verdict: Verdict) -> None:
    """Writes one short comment, or none. A forge that does not take it is no reason to fail."""
    if not _expects_answer(who, verdict):
        return
    async with parts.database.begin() as connection:
        allowed = await may_reply(
            connection,
            project_id=project.id,
            number=number,
            reason=str(verdict.why),
            person=who.login,
            only_once=not who.permission.allows(NEEDED),
        )
    if not allowed:
        return
    try:
        key = f"trigger:{verdict.why}"
        await parts.forge_of(project).create_comment(number, body=reply_text(verdict), key=key)
    except AdwError as error:
        _log.warning("reply_failed", project=project.id, number=number, reason=error.message)


def reply_text(verdict: Verdict) -> str:
    """What the comment says."""
    return f"Nothing was started: {verdict.detail}.".replace("..", ".")


def _expects_answer(who: Standing, verdict: Verdict) -> bool:
    return (
        verdict.outcome is Outcome.REFUSED
        and verdict.why not in SILENT
        and not who.account.is_bot
        and who.permission.allows(Permission.READ)
    )
