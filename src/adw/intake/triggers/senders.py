"""Questions about who speaks that need no settings."""

from __future__ import annotations

from datetime import datetime, timedelta

from adw.domain.account import Account
from adw.domain.notices import Notice
from adw.domain.project import Project
from adw.domain.triggers import Outcome, Refused, TriggerSource, Why
from adw.intake.triggers.parts import TriggerParts
from adw.store.deliveries import Task

OLDEST = timedelta(days=7)
"""A webhook that tells of something older is somebody's recording: GitHub sends again for three days at most."""


async def check_not_ourselves(parts: TriggerParts, project: Project, sender: Account) -> Account:
    """Our own account on the forge. Raises Refused when it is the sender, whatever it says."""
    own = await parts.forge_of(project).ourselves()
    if own.is_same(sender.login):
        raise Refused(
            Why.OURSELVES,
            f"{sender.login} is the account we write with; give us one of our own to be heard under this one",
            outcome=Outcome.IGNORED,
        )
    return own


def check_age(task: Task, notice: Notice, *, now: datetime) -> None:
    """Raises Refused for a webhook about something that happened long ago."""
    if task.source is TriggerSource.WEBHOOK and now - notice.origin.at > OLDEST:
        raise Refused(Why.TOO_OLD, f"it happened at {notice.origin.at:%Y-%m-%d %H:%M}", outcome=Outcome.IGNORED)
