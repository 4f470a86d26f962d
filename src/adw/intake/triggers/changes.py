"""What a poll found, as the same notices that webhooks would have brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from adw.domain.account import Account
from adw.domain.changes import Changes, LabelChange
from adw.domain.config import TriggersTable
from adw.domain.forge import Comment, Issue, PullRequest
from adw.domain.notices import CommentNotice, IssueNotice, IssueText, Notice, Origin, PullRequestNotice
from adw.domain.project import Project
from adw.domain.trigger_rules import is_trigger_label
from adw.domain.triggers import TriggerSource
from adw.store.deliveries import Arrival, arrival_of


def arrivals_of(
    project: Project, changes: Changes, *, after_number: int, new_since: datetime, issues: Iterable[Issue] = ()
) -> list[Arrival]:
    """`issues` are others that labels were put on, as they are now; a label of one we cannot see says nothing.

    Of issues that only changed nothing is told: new are those with a number after `after_number`, made at `new_since`
    or later.
    """
    known = {issue.number: issue for issue in (*issues, *changes.issues)}
    pulls = {pull.number for pull in changes.pulls}
    fresh = [each for each in changes.issues if each.number > after_number and each.created_at >= new_since]
    notices: list[Notice] = [
        *(_opened(project, issue, changes) for issue in fresh),
        *_labeled(project, changes.labels, known),
        *(_comment(project, comment, known, pulls) for comment in changes.comments),
        *(_pull(project, pull) for pull in changes.pulls),
    ]
    return [arrival_of(notice, TriggerSource.POLL) for notice in notices]


def labelled_numbers(changes: Changes) -> set[int]:
    """The issues whose present text is needed to say what was asked for by a label."""
    wanted = {change.number for change in changes.labels if change.is_added and not change.is_pull_request}
    return wanted - {issue.number for issue in changes.issues}


def first_arrivals(
    project: Project, issues: Sequence[Issue], triggers: TriggersTable, *, labels: Sequence[LabelChange]
) -> list[Arrival]:
    """Of a project nobody looked at before: open issues that carry a label which starts work, and nothing else.

    `labels` tells who put them on.
    """
    known = {issue.number: issue for issue in issues if issue.state == "open"}
    last = {(change.number, change.label.lower()): change for change in labels if change.is_added}
    wanted = [
        change
        for (number, label), change in last.items()
        if number in known
        and label in {each.lower() for each in known[number].labels}
        and is_trigger_label(label, triggers.labels)
    ]
    return [arrival_of(notice, TriggerSource.POLL) for notice in _labeled(project, wanted, known)]


def _opened(project: Project, issue: Issue, changes: Changes) -> IssueNotice:
    """Labels that somebody else put on it since it was opened are not its author's wish."""
    author = _author(issue)
    own = {each.label for each in changes.labels if each.number == issue.number and author.is_same(each.actor)}
    labels = tuple(label for label in issue.labels if label in own)
    origin = Origin(forge=project.forge, repository=project.source, sender=author, at=issue.created_at)
    return IssueNotice(origin=origin, action="opened", issue=replace(_text(issue), labels=labels))


def _labeled(project: Project, labels: Iterable[LabelChange], known: dict[int, Issue]) -> list[IssueNotice]:
    return [
        IssueNotice(
            origin=Origin(
                forge=project.forge,
                repository=project.source,
                sender=Account(login=change.actor, is_bot=change.actor_is_bot),
                at=change.created_at,
            ),
            action="labeled",
            issue=_text(known[change.number]),
            label=change.label,
        )
        for change in labels
        if change.is_added and not change.is_pull_request and change.number in known
    ]


def _comment(project: Project, comment: Comment, known: dict[int, Issue], pulls: set[int]) -> CommentNotice:
    issue = known.get(comment.number)
    return CommentNotice(
        origin=Origin(
            forge=project.forge,
            repository=project.source,
            sender=Account(login=comment.author, is_bot=comment.author_is_bot),
            at=comment.created_at,
        ),
        comment_id=comment.id,
        number=comment.number,
        body=comment.body,
        on_pull_request=comment.number in pulls or "/pull/" in (comment.url or ""),
        is_edited=comment.updated_at != comment.created_at,
        issue=None if issue is None else _text(issue),
    )


def _pull(project: Project, pull: PullRequest) -> PullRequestNotice:
    origin = Origin(
        forge=project.forge, repository=project.source, sender=Account(login=pull.author), at=pull.updated_at
    )
    return PullRequestNotice(origin=origin, number=pull.number, what="changed", head_sha=pull.head_sha)


def _author(issue: Issue) -> Account:
    return Account(login=issue.author, is_bot=issue.author_is_bot)


def _text(issue: Issue) -> IssueText:
    return IssueText(
        number=issue.number,
        title=issue.title,
        body=issue.body,
        state=issue.state,
        author=_author(issue),
        labels=issue.labels,
    )
