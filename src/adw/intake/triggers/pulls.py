"""What happens around pull requests is handed on to those who look after them."""

from __future__ import annotations

from adw.domain.config import ProjectConfig, TriggersTable
from adw.domain.directives import find_request
from adw.domain.notices import CommentNotice
from adw.domain.project import Project
from adw.domain.triggers import Outcome, Refused, Verdict, Why
from adw.domain.trust import Standing, Tier, check_bot, check_sender
from adw.intake.triggers.parts import TriggerParts
from adw.intake.triggers.replying import tell
from adw.intake.triggers.senders import check_age, check_not_ourselves
from adw.store.deliveries import Task
from adw.store.watches import wake_watches


async def wake(
    parts: TriggerParts,
    project: Project,
    *,
    pr_number: int | None = None,
    sha: str | None = None,
    branch: str | None = None,
) -> Verdict:
    """Lets those who watch look again soon."""
    if (pr_number, sha, branch) == (None, None, None):
        return Verdict(outcome=Outcome.IGNORED, why=Why.NOTHING_WAITS)
    async with parts.database.begin() as connection:
        woken = await wake_watches(connection, project_id=project.id, pr_number=pr_number, sha=sha, branch=branch)
    if not woken:
        return Verdict(outcome=Outcome.IGNORED, why=Why.NOTHING_WAITS, detail="no workflow of ours is concerned")
    return Verdict(outcome=Outcome.HANDED_ON, detail=f"{woken} to look again")


async def on_pull_request(parts: TriggerParts, task: Task, notice: CommentNotice, project: Project) -> Verdict:
    """A comment on a pull request: perhaps a request, in any case something to look at. Raises Refused."""
    sender = notice.origin.sender
    own = await check_not_ourselves(parts, project, sender)
    woken = await wake(parts, project, pr_number=notice.number)
    text = find_request(notice.body, names=[own.login])
    if text is None:
        return woken
    config = await parts.config_of(project)
    _check_comment(notice, config.triggers)
    check_age(task, notice, now=parts.clock.now())
    check_bot(sender, config.triggers.authors)
    if woken.outcome is not Outcome.HANDED_ON:
        raise Refused(
            Why.FOREIGN_PULL_REQUEST,
            f"#{notice.number} is no open pull request of ours",
            outcome=Outcome.IGNORED,
        )
    who = Standing(account=sender, permission=await parts.forge_of(project).permission_of(sender.login))
    try:
        _check_who(parts, who, config)
    except Refused as refusal:
        await tell(parts, project, number=notice.number, who=who, verdict=refusal.verdict)
        raise
    return await _hand_on(parts, notice, project, text)


async def _hand_on(parts: TriggerParts, notice: CommentNotice, project: Project, text: str) -> Verdict:
    adw_id = await parts.ask_round(
        parts.database,
        project_id=project.id,
        pr_number=notice.number,
        actor=notice.origin.sender.login,
        text=text,
        key=f"comment:{notice.comment_id}",
    )
    if adw_id is None:
        detail = f"#{notice.number} is no open pull request of ours"
        raise Refused(Why.FOREIGN_PULL_REQUEST, detail, outcome=Outcome.IGNORED)
    return Verdict(outcome=Outcome.HANDED_ON, adw_id=adw_id, detail="asked for on its pull request")


def _check_who(parts: TriggerParts, who: Standing, config: ProjectConfig) -> None:
    tier = check_sender(who, config.triggers.authors)
    if tier is Tier.RESTRICTED and not parts.is_contained(config.sandbox):
        detail = f"{who.login} may start only what is shut in, and the sandbox is off here"
        raise Refused(Why.NOT_CONTAINED, detail)


def _check_comment(notice: CommentNotice, triggers: TriggersTable) -> None:
    if notice.is_edited:
        raise Refused(Why.EDITED_COMMENT, "the comment was changed; write a new one", outcome=Outcome.IGNORED)
    if not triggers.comments:
        raise Refused(Why.COMMENTS_OFF, "[triggers] comments is off", outcome=Outcome.IGNORED)
