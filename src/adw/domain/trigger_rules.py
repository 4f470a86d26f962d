"""What a notice asks for: which kind of work, with which choices, and by which way it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from adw.domain.config import TriggersTable
from adw.domain.directives import Choices, Command, find_command, find_directives
from adw.domain.kinds import KINDS, ON_EARLIER_WORK, canonical_kind, normalise_kind
from adw.domain.notices import CommentNotice, IssueNotice
from adw.domain.triggers import Outcome, Refused, Why
from adw.kit.errors import UsageError

LABEL_PREFIX = "adw:"

Way = Literal["label", "comment", "body"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants started. `name` tells one wish on an issue from another, however often it is heard."""

    way: Way
    kind: str
    name: str
    choices: Choices = field(default_factory=Choices)
    is_certain: bool = True
    """Whether it is certainly addressed to us, so that the person expects an answer."""


def wish_of(notice: IssueNotice | CommentNotice, triggers: TriggersTable, *, names: Iterable[str] = ()) -> Wish:
    """What a notice asks for; whether anybody may have it is another question.

    `names` are logins that mean us. Raises Refused, with the reason, when it asks for nothing.
    """
    if isinstance(notice, CommentNotice):
        return _from_comment(notice, triggers, names)
    if notice.action == "labeled" and notice.label is not None:
        return _from_labels((notice.label,), triggers) or _nothing(f"label {notice.label!r} starts nothing")
    if notice.action == "opened":
        return _from_labels(notice.issue.labels, triggers) or _from_body(notice)
    return _nothing(f"an issue that was {notice.action} starts nothing", why=Why.ACTION_NOT_USED)


def may_ask(notice: IssueNotice | CommentNotice, *, names: Iterable[str] = ()) -> bool:
    """Whether it could ask for something under any rules. If not, `wish_of` says why under all of them."""
    if isinstance(notice, CommentNotice):
        return find_command(notice.body, names=names) is not None
    if notice.action == "opened":
        return bool(notice.issue.labels) or find_directives(notice.issue.body).kind is not None
    return notice.action == "labeled"


def is_trigger_label(label: str, labels: Mapping[str, str]) -> bool:
    """Whether a label stands for work, by our own prefix or by the project's map. Case does not matter."""
    return _kind_of(label, labels) is not None


def check_wish(wish: Wish, *, defined: Iterable[str]) -> Wish:
    """The wish with its kind's canonical name. Raises Refused when there is no such kind, or it cannot begin anew."""
    try:
        kind = normalise_kind(wish.kind, defined=defined)
    except UsageError as error:
        if not wish.is_certain:
            raise _refused_mention() from error
        known = ", ".join(f"`{each}`" for each in (*KINDS, *defined) if each not in ON_EARLIER_WORK)
        said = f"`{wish.kind}`" if wish.kind else "that"
        raise Refused(Why.UNKNOWN_KIND, f"{said} is no kind of workflow; there are {known}") from error
    if kind in ON_EARLIER_WORK:
        raise Refused(
            Why.NEEDS_EARLIER_WORK,
            f"`{kind}` alone goes on with earlier work: comment on its pull request, or `adw run -w {kind} --on ID`",
        )
    return replace(wish, kind=kind)


def with_choices_of_body(wish: Wish, body: str) -> Wish:
    """The wish with what the issue's text chooses where the wish itself says nothing. Its kind stays."""
    said = find_directives(body).choices
    choices = Choices(
        model_set=wish.choices.model_set or said.model_set,
        skip_e2e=wish.choices.skip_e2e or said.skip_e2e,
        auto_resolve=wish.choices.auto_resolve and said.auto_resolve,
    )
    return replace(wish, choices=choices)


def _from_comment(notice: CommentNotice, triggers: TriggersTable, names: Iterable[str]) -> Wish:
    command = find_command(notice.body, names=names)
    if command is None:
        return _nothing("the comment is not addressed to us")
    if notice.is_edited:
        return _nothing("the comment was changed; write a new one", why=Why.EDITED_COMMENT)
    if not triggers.comments:
        return _nothing("[triggers] comments is off", why=Why.COMMENTS_OFF)
    return Wish(
        way="comment",
        kind=_ordered(command),
        name=f"comment:{notice.comment_id}",
        choices=command.choices,
        is_certain=command.is_mention or _is_known(command),
    )


def _ordered(command: Command) -> str:
    """Words that are no command name no kind, even if their first one would."""
    return command.kind if command.is_complete else ""


def _is_known(command: Command) -> bool:
    return command.is_complete and command.kind in KINDS


def _from_labels(labels: Iterable[str], triggers: TriggersTable) -> Wish | None:
    """Our own labels go before those the project has mapped, each in alphabetical order."""
    found = sorted((not label.lower().startswith(LABEL_PREFIX), label.lower()) for label in labels)
    for _, label in found:
        kind = _kind_of(label, triggers.labels)
        if kind is not None:
            return Wish(way="label", kind=kind, name=f"label:{label}")
    return None


def _kind_of(label: str, labels: Mapping[str, str]) -> str | None:
    mapped = {name.lower(): kind for name, kind in labels.items()}.get(label.lower())
    if mapped is not None:
        return canonical_kind(mapped)
    name = label.lower().removeprefix(LABEL_PREFIX).strip()
    return canonical_kind(name) if label.lower().startswith(LABEL_PREFIX) and name else None


def _from_body(notice: IssueNotice) -> Wish:
    said = find_directives(notice.issue.body)
    if said.kind is None:
        return _nothing("the issue has neither a label nor a directive that starts work")
    # Words such as `workflow: broken` stand in reports as well.
    return Wish(way="body", kind=said.kind, name="body", choices=said.choices, is_certain=said.kind in KINDS)


def _refused_mention() -> Refused:
    return Refused(Why.NO_TRIGGER, "we are mentioned, but nothing is ordered", outcome=Outcome.IGNORED)


def _nothing(detail: str, *, why: Why = Why.NO_TRIGGER) -> Wish:
    raise Refused(why, detail, outcome=Outcome.IGNORED)
