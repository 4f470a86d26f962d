"""From something that happened to an issue to one workflow, or to the reason why there is none.

The order of the questions: is it meant for us at all, is it news, may they, is there such work, is the text still the
same, and only then whatever speaks against beginning any work.
"""

from __future__ import annotations

from dataclasses import dataclass

from adw.domain.account import Account
from adw.domain.config import ProjectConfig, TriggersTable
from adw.domain.forge import Issue
from adw.domain.notices import CommentNotice, IssueNotice, text_digest
from adw.domain.project import Project
from adw.domain.trigger_rules import Wish, check_wish, may_ask, wish_of, with_choices_of_body
from adw.domain.triggers import Outcome, Refused, Verdict, Why
from adw.domain.trust import Standing, Tier, check_bot, check_kind, check_sender, needs_containment, tier_of
from adw.intake.request import WorkRequest
from adw.intake.triggers.parts import TriggerParts
from adw.intake.triggers.replying import tell
from adw.intake.triggers.senders import check_age, check_not_ourselves
from adw.kit.errors import AdwError, ConflictError, NotFoundError
from adw.ports.forge import Forge
from adw.store import trigger_intents
from adw.store.deliveries import Task
from adw.store.workflows import find_by_idempotency_key

SOURCES = ("label", "comment", "body", "schedule")
"""What workflows that nobody handed in personally say of where they come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A wish that is ours to fulfil: who made it, on what, by which rules."""

    task: Task
    notice: IssueNotice | CommentNotice
    project: Project
    config: ProjectConfig
    forge: Forge
    wish: Wish

    @property
    def number(self) -> int:
        return self.notice.number if isinstance(self.notice, CommentNotice) else self.notice.issue.number

    @property
    def sender(self) -> Account:
        return self.notice.origin.sender


async def start_on_issue(
    parts: TriggerParts, task: Task, notice: IssueNotice | CommentNotice, project: Project
) -> Verdict:
    """Raises Refused, and errors after which it can be tried again."""
    own = await check_not_ourselves(parts, project, notice.origin.sender)
    check_age(task, notice, now=parts.clock.now())
    if not may_ask(notice, names=[own.login]):
        wish_of(notice, TriggersTable(), names=[own.login])
    config = await parts.config_of(project)
    wish = wish_of(notice, config.triggers, names=[own.login])
    check_bot(notice.origin.sender, config.triggers.authors)
    forge = parts.forge_of(project)
    asked = _Asked(task=task, notice=notice, project=project, config=config, forge=forge, wish=wish)
    if wish.is_certain or _is_kind(wish, config):
        return await _fulfil(parts, asked)
    raise Refused(Why.NO_TRIGGER, "we are mentioned, but nothing is ordered", outcome=Outcome.IGNORED)


async def _fulfil(parts: TriggerParts, asked: _Asked) -> Verdict:
    known = await _take(parts, asked)
    if isinstance(known, Verdict):
        return known
    who = Standing(account=asked.sender, permission=await asked.forge.permission_of(asked.sender.login))
    try:
        request = await _request(parts, asked, who, key=known)
        taken = await parts.intake.accept(request)
    except Refused as refusal:
        await tell(parts, asked.project, number=asked.number, who=who, verdict=refusal.verdict)
        raise
    except AdwError as error:
        if error.retryable and not isinstance(error, ConflictError):
            raise
        verdict = _refused_by(error)
        await tell(parts, asked.project, number=asked.number, who=who, verdict=verdict)
        return verdict
    return Verdict(outcome=Outcome.STARTED, adw_id=taken.workflow.adw_id, detail=f"{request.kind} by {request.source}")


async def _take(parts: TriggerParts, asked: _Asked) -> Verdict | str:
    """The key of the work if the wish is this delivery's to fulfil and was not fulfilled; else what is to be said."""
    number, project_id = asked.number, asked.project.id
    intent = f"{asked.wish.name}:{asked.sender.login.lower()}"
    async with parts.database.begin() as connection:
        taken = await trigger_intents.take_intent(
            connection,
            project_id=project_id,
            issue_number=number,
            intent=intent,
            at=asked.notice.origin.at,
            delivery_id=asked.task.id,
        )
        key = f"trigger:{project_id}:{number}:{intent}:{taken.generation}"
        known = await find_by_idempotency_key(connection, key)
    if taken.delivery_id != asked.task.id:
        adw_id = None if known is None else known.adw_id
        detail = f"the same as {taken.delivery_id}"
        return Verdict(outcome=Outcome.DUPLICATE, why=Why.REPEATED, detail=detail, adw_id=adw_id)
    return key if known is None else Verdict(outcome=Outcome.STARTED, adw_id=known.adw_id)


async def _request(parts: TriggerParts, asked: _Asked, who: Standing, *, key: str) -> WorkRequest:
    """The work to hand in. Raises Refused for everything that speaks against it but would not against other work."""
    triggers = asked.config.triggers
    trust = check_sender(who, triggers.authors)
    wish = check_wish(asked.wish, defined=asked.config.kinds)
    check_kind(wish.kind, who=who, triggers=triggers)
    issue = await _present_issue(asked)
    author = await _author(asked, who, issue)
    contained = needs_containment(sender=trust, author=author, authors=triggers.authors)
    if contained and not parts.is_contained(asked.config.sandbox):
        raise Refused(
            Why.NOT_CONTAINED,
            f"the issue was written or is worked on for somebody without write permission ({author.login}), "
            "and the sandbox is off here",
        )
    if tier_of(author, triggers.authors) is Tier.TRUSTED:
        wish = with_choices_of_body(wish, issue.body)
    await _check_starts(parts, asked)
    return WorkRequest(
        project=asked.project.id,
        kind=wish.kind,
        actor=who.login,
        source=wish.way,
        issue_number=issue.number,
        model_set=wish.choices.model_set,
        options=wish.choices.options,
        idempotency_key=key,
        issue_digest=text_digest(issue.title, issue.body),
        origin=_origin(asked, who, author, issue, contained=contained),
    )


def _origin(
    asked: _Asked, who: Standing, author: Standing, issue: Issue, *, contained: bool
) -> dict[str, str | int | bool]:
    """What is kept with the workflow."""
    return {
        "delivery": asked.task.id,
        "permission": who.permission.value,
        "author": author.login,
        "authorPermission": author.permission.value,
        "needsContainment": contained,
        "textDigest": text_digest(issue.title, issue.body),
    }


async def _present_issue(asked: _Asked) -> Issue:
    """The issue as it is now, if it still says what it said when the wish was made."""
    number, seen = asked.number, asked.notice.issue
    try:
        issue = await asked.forge.get_issue(number)
    except NotFoundError as error:
        raise Refused(Why.NO_ISSUE, f"there is no issue #{number}", outcome=Outcome.IGNORED) from error
    if seen is not None and text_digest(issue.title, issue.body) != seen.digest:
        raise Refused(
            Why.TEXT_CHANGED,
            f"issue #{number} was edited after work on it was asked for; read it again, then ask again",
        )
    labels = {label.lower() for label in issue.labels}
    if asked.wish.way == "label" and asked.wish.name.removeprefix("label:") not in labels:
        raise Refused(Why.NO_TRIGGER, "the label was taken off again", outcome=Outcome.IGNORED)
    return issue


async def _author(asked: _Asked, who: Standing, issue: Issue) -> Standing:
    if who.account.is_same(issue.author):
        return who
    account = Account(login=issue.author, is_bot=issue.author_is_bot)
    return Standing(account=account, permission=await asked.forge.permission_of(issue.author))


async def _check_starts(parts: TriggerParts, asked: _Asked) -> None:
    most = asked.config.triggers.starts_per_day
    async with parts.database.read() as connection:
        count = await trigger_intents.starts_within_a_day(
            connection, project_id=asked.project.id, issue_number=asked.number, sources=SOURCES
        )
    if count >= most:
        raise Refused(
            Why.TOO_MANY_STARTS,
            f"work on issue #{asked.number} was started {count} times within a day, and "
            f"[triggers] starts_per_day is {most}; start it with `adw run {asked.number}`",
        )


def _is_kind(wish: Wish, config: ProjectConfig) -> bool:
    try:
        check_wish(wish, defined=config.kinds)
    except Refused as refusal:
        return refusal.verdict.outcome is not Outcome.IGNORED
    return True


def _refused_by(error: AdwError) -> Verdict:
    detail = error.message if error.hint is None else f"{error.message}: {error.hint}"
    return Verdict(outcome=Outcome.REFUSED, why=error.code, detail=detail)
