from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adw.domain.account import Account
from adw.domain.agent import ModelSet
from adw.domain.config import TriggersTable
from adw.domain.kinds import KINDS, ON_EARLIER_WORK
from adw.domain.notices import CommentNotice, IssueNotice, IssueText, Origin
from adw.domain.project import ForgeKind
from adw.domain.trigger_rules import Wish, check_wish, is_trigger_label, wish_of, with_choices_of_body
from adw.domain.triggers import Refused, Why

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAPPED = TriggersTable(labels={"Ready For Work": "sdlc"})


def origin(login: str = "ann") -> Origin:
    return Origin(forge=ForgeKind.GITHUB, repository="o/r", sender=Account(login=login), at=NOW)


def issue(action: Any = "opened", *, labels: tuple[str, ...] = (), body: str = "", label: str | None = None):
    text = IssueText(number=7, title="T", body=body, state="open", author=Account(login="ann"), labels=labels)
    return IssueNotice(origin=origin(), action=action, issue=text, label=label)


def comment(body: str, *, is_edited: bool = False) -> CommentNotice:
    return CommentNotice(origin=origin(), comment_id="42", number=7, body=body, is_edited=is_edited)


def refused(notice: Any, triggers: TriggersTable = MAPPED) -> str:
    with pytest.raises(Refused) as caught:
        wish_of(notice, triggers)
    return str(caught.value.verdict.why)


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_of_ours_names_the_kind(kind: str):
    assert wish_of(issue("labeled", label=f"adw:{kind}"), TriggersTable()).kind == kind
    assert wish_of(issue(labels=("bug", f"ADW:{kind.replace('-', '_')}")), TriggersTable()).kind == kind


def test_a_mapped_label_starts_what_it_is_mapped_to_and_others_nothing():
    assert wish_of(issue("labeled", label="ready for work"), MAPPED) == Wish(
        way="label", kind="sdlc", name="label:ready for work"
    )
    for label in ("bug", "feature", "chore", "adw", "adw:", "adw: "):
        assert refused(issue("labeled", label=label)) == Why.NO_TRIGGER
        assert not is_trigger_label(label, MAPPED.labels)


def test_opening_and_labelling_are_the_same_wish():
    opened = wish_of(issue(labels=("bug", "adw:sdlc")), MAPPED)
    labeled = wish_of(issue("labeled", labels=("bug", "adw:sdlc"), label="adw:sdlc"), MAPPED)
    assert opened == labeled


def test_labels_go_before_directives_and_ours_before_mapped_ones():
    both = issue(labels=("Ready for work", "adw:plan"), body="workflow: zte")
    assert wish_of(both, MAPPED).kind == "plan"


def test_a_directive_starts_work_when_the_issue_is_opened_and_only_then():
    body = "Broken.\n\nworkflow: patch\nmodel_set: heavy"
    wish = wish_of(issue(body=body), TriggersTable())
    assert (wish.kind, wish.choices.model_set, wish.way) == ("patch", ModelSet.HEAVY, "body")
    assert refused(issue("edited", body=body)) == Why.ACTION_NOT_USED
    assert refused(issue("reopened", body=body, labels=("adw:sdlc",))) == Why.ACTION_NOT_USED
    assert refused(issue()) == Why.NO_TRIGGER


def test_comments_are_heard_unless_the_project_does_not_listen():
    assert wish_of(comment("@adw sdlc heavy"), MAPPED).choices.model_set is ModelSet.HEAVY
    assert wish_of(comment("@adw sdlc"), MAPPED).name == "comment:42"
    assert refused(comment("adw is nice")) == Why.NO_TRIGGER
    assert refused(comment("@adw sdlc"), TriggersTable(comments=False)) == Why.COMMENTS_OFF
    assert refused(comment("@adw sdlc", is_edited=True)) == Why.EDITED_COMMENT


def test_an_unknown_kind_is_answered_only_if_we_were_certainly_meant():
    def outcome(body: str) -> str:
        with pytest.raises(Refused) as caught:
            check_wish(wish_of(comment(body), MAPPED), defined=["nightly"])
        return str(caught.value.verdict.why)

    assert outcome("@adw nonsense") == Why.UNKNOWN_KIND
    assert outcome("@adw sdlc with a cherry on top") == Why.UNKNOWN_KIND
    assert outcome("adw nonsense") == Why.NO_TRIGGER
    assert check_wish(wish_of(comment("adw nightly"), MAPPED), defined=["nightly"]).kind == "nightly"


@pytest.mark.parametrize("kind", sorted(ON_EARLIER_WORK))
def test_a_single_phase_on_earlier_work_begins_nothing(kind: str):
    with pytest.raises(Refused) as caught:
        check_wish(wish_of(issue(labels=(f"adw:{kind}",)), MAPPED), defined=[])
    assert caught.value.verdict.why == Why.NEEDS_EARLIER_WORK


def test_the_text_of_the_issue_adds_choices_and_never_another_kind():
    wish = wish_of(comment("@adw sdlc heavy"), MAPPED)
    added = with_choices_of_body(wish, "workflow: zte\nmodel_set: base\n--skip-e2e\n--no-auto-resolve")
    assert (added.kind, added.choices.model_set) == ("sdlc", ModelSet.HEAVY)
    assert added.choices.options.skip_e2e
    assert not added.choices.options.auto_resolve
