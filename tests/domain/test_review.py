from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.review import (
    Finding,
    FindingStatus,
    Review,
    ReviewVerdict,
    Severity,
    TrackedFinding,
    UnreadableReview,
    blockers,
    follow,
    judge_round,
    parse_review,
)

SUBJECTS = ("cart.py:12", "api/users.py", "`parse`", "`format`", "the help text", "README.md")
FAULTS = (
    "divides by zero when empty",
    "lets strangers read every row",
    "forgets the locale argument",
    "leaks one file handle per call",
    "is missing although it was asked for",
)

descriptions = st.builds("{} {}".format, st.sampled_from(SUBJECTS), st.sampled_from(FAULTS)) | st.text(
    min_size=1, max_size=60
).filter(str.strip)
issues = st.builds(
    lambda number, text, severity: entry(text, number=number, severity=severity),
    st.integers(min_value=1, max_value=400),
    descriptions,
    st.sampled_from([each.value for each in Severity]),
)
answers = st.lists(issues, max_size=8)


def entry(text: str, *, number: int = 1, severity: str = "blocker", **more: Any) -> dict[str, Any]:
    return {
        "review_issue_number": number,
        "issue_description": text,
        "issue_resolution": "Mend it.",
        "issue_severity": severity,
        **more,
    }


def review(*entries: dict[str, Any], success: bool = False) -> Review:
    found = parse_review({"success": success, "review_summary": "Seen.", "review_issues": list(entries)})
    assert isinstance(found, Review)
    return found


def rounds(*reviews: Review) -> tuple[TrackedFinding, ...]:
    known: tuple[TrackedFinding, ...] = ()
    for number, each in enumerate(reviews, start=1):
        known = follow(known, each, round_number=number)
    return known


def told(found: tuple[TrackedFinding, ...]) -> list[tuple[int, str]]:
    return [(each.id, each.status.value) for each in found]


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"success": True},
        {"success": "true", "review_summary": "s", "review_issues": []},
        {"success": True, "review_summary": "s", "review_issues": "none"},
        {"success": True, "review_summary": "s", "review_issues": [{"issue_description": "x"}]},
        {"success": True, "review_summary": "s", "review_issues": [entry("x", severity="critical")]},
        {"success": True, "review_summary": "s", "review_issues": [entry(" ")]},
    ],
)
def test_an_answer_that_is_no_review_is_never_a_good_one(value: dict[str, Any]):
    found = parse_review(value)
    assert isinstance(found, UnreadableReview)
    assert found.reason


def test_a_review_keeps_what_was_said():
    found = review(entry("  Totals are wrong ", number=3, screenshot_path="page.png", severity="tech_debt"))
    expected = Finding(
        number=3,
        description="Totals are wrong",
        severity=Severity.TECH_DEBT,
        resolution="Mend it.",
        screenshot="page.png",
    )
    assert found.findings == (expected,)


def test_findings_that_repeat_one_another_count_once_and_as_the_worst_of_them():
    found = review(
        entry("cart.py:12 divides by zero for an empty cart", severity="skippable"),
        entry("README.md does not mention the flag", severity="tech_debt"),
        entry("`cart.py:14` divides by zero for an empty cart.", severity="blocker"),
    )
    assert [each.severity for each in found.findings] == [Severity.BLOCKER, Severity.TECH_DEBT]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("`add` does not validate negative numbers", "`subtract` does not validate negative numbers"),
        ("a.py: the argument is not checked", "b.py: the argument is not checked"),
        ("Totals are wrong for an empty cart", "Discounts are applied twice for a full cart"),
    ],
)
def test_findings_that_only_sound_alike_stay_two(one: str, other: str):
    assert len(review(entry(one), entry(other)).findings) == 2
    assert told(rounds(review(entry(one)), review(entry(other)))) == [(101, "fixed"), (201, "open")]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("An empty cart divides by zero in src/cart.py:42", "src/cart.py:47 still divides by zero for an empty cart"),
        (
            "The endpoint /users is missing authentication: anybody can list users",
            "No authentication check on the /users endpoint, which lets anyone list the users",
        ),
        (
            "SQL injection in search(): the query is concatenated (app/db.py line 20)",
            "app/db.py: `search` concatenates user input into the SQL query, allowing injection",
        ),
        ("Tests for the new behaviour are missing", "There are no tests covering the new behaviour"),
        ("合計が間違っています", "合計が間違っています。"),
    ],
)
def test_a_finding_is_recognised_by_what_it_says_and_where(first: str, then: str):
    found = rounds(review(entry(first)), review(entry(then, number=7)))
    assert told(found) == [(101, "open")]
    assert (found[0].first_round, found[0].last_round, found[0].finding.description) == (1, 2, then)


def test_a_cited_id_recognises_other_words_for_the_same_place():
    first = review(entry("farewell.txt greets instead of saying farewell"))
    then = entry("farewell.txt: the text welcomes people who are leaving", number=101)
    assert told(rounds(first, review(then))) == [(101, "open")]
    assert told(rounds(first, review(then | {"review_issue_number": 1}))) == [(101, "fixed"), (201, "open")]


def test_a_cited_id_does_not_make_everything_the_same():
    found = rounds(review(entry("Totals are wrong")), review(entry("Strangers may delete accounts", number=101)))
    assert told(found) == [(101, "fixed"), (201, "open")]


def test_a_blocker_that_is_gone_is_fixed_and_one_that_comes_back_keeps_its_id():
    wrong, rest = entry("Totals are wrong"), entry("Names are odd", severity="tech_debt")
    assert told(rounds(review(wrong, rest), review(success=True))) == [(101, "fixed"), (102, "open")]
    assert told(rounds(review(wrong), review(), review(wrong))) == [(101, "open")]


def test_what_was_only_demoted_blocks_no_more():
    found = rounds(review(entry("Totals are wrong")), review(entry("Totals are wrong", severity="tech_debt")))
    assert told(found) == [(101, "open")]
    assert blockers(found) == ()


@pytest.mark.parametrize(
    ("success", "before", "now", "is_last", "verdict"),
    [
        (True, None, "", False, "approved"),
        (True, "ab", "", True, "approved"),
        (False, None, "", False, "contradictory"),
        (False, "a", "", True, "contradictory"),
        (True, None, "a", False, "converging"),
        (False, None, "abc", True, "converging"),
        (False, "a", "a", False, "stagnant"),
        (False, "ab", "ab", True, "stagnant"),
        (False, "ab", "a", False, "converging"),
        (False, "ab", "c", False, "converging"),
        (False, "abc", "ad", True, "converging"),
        (False, "a", "ab", False, "diverging"),
        (False, "a", "bc", False, "diverging"),
        (False, "a", "b", False, "converging"),
        (False, "a", "b", True, "diverging"),
        (False, "ab", "bc", True, "diverging"),
    ],
)
def test_the_verdict_counts_blockers(success: bool, before: str | None, now: str, is_last: bool, verdict: str):
    judged = judge_round(
        Review(success=success, summary=""),
        before=None if before is None else {ord(each) for each in before},
        now={ord(each) for each in now},
        is_last=is_last,
    )
    assert judged == verdict


@given(answers)
def test_a_reviewer_that_repeats_itself_finds_nothing_new_and_nothing_fixed(entries: list[dict[str, Any]]):
    plain = [each | {"review_issue_number": place} for place, each in enumerate(entries, start=1)]
    once, twice = rounds(review(*plain)), rounds(review(*plain), review(*plain))
    assert [each.id for each in once] == [each.id for each in twice]
    assert {each.status for each in twice} <= {FindingStatus.OPEN}
    open_ids = {each.id for each in blockers(once)}
    verdict = judge_round(review(*plain), before=open_ids, now={each.id for each in blockers(twice)}, is_last=False)
    assert verdict == (ReviewVerdict.STAGNANT if open_ids else ReviewVerdict.CONTRADICTORY)


@given(answers, st.randoms(use_true_random=False))
def test_the_order_of_the_next_answer_does_not_matter(entries: list[dict[str, Any]], random: Any):
    plain = [each | {"review_issue_number": place} for place, each in enumerate(entries, start=1)]
    first = review(*plain)
    shuffled = Review(success=False, summary="", findings=tuple(random.sample(first.findings, len(first.findings))))
    assert told(rounds(first, first)) == told(rounds(first, shuffled))


@given(st.lists(answers, max_size=4))
def test_ids_are_unique_and_every_finding_of_a_round_is_accounted_for(all_entries: list[list[dict[str, Any]]]):
    known: tuple[TrackedFinding, ...] = ()
    for number, entries in enumerate(all_entries, start=1):
        found = review(*entries)
        known = follow(known, found, round_number=number)
        seen = [each.finding for each in known if each.last_round == number]
        key = lambda each: (each.description, each.severity)  # noqa: E731
        assert sorted(map(key, seen)) == sorted(map(key, found.findings))
        assert len({each.id for each in known}) == len(known)
        assert all(each.severity is not Severity.BLOCKER or not_hidden(known, each) for each in found.findings)


def not_hidden(known: tuple[TrackedFinding, ...], finding: Finding) -> bool:
    return any(each.finding.description == finding.description for each in blockers(known))


@given(st.booleans(), st.none() | st.frozensets(st.integers(0, 5)), st.frozensets(st.integers(0, 5)), st.booleans())
def test_nothing_is_approved_while_a_blocker_is_open(
    success: bool, before: frozenset[int] | None, now: frozenset[int], is_last: bool
):
    verdict = judge_round(Review(success=success, summary=""), before=before, now=now, is_last=is_last)
    assert (verdict is ReviewVerdict.APPROVED) == (success and not now)
