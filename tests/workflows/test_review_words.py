"""What a review says of itself: a line for each round, why it ended, a table for people."""

from __future__ import annotations

import re
from typing import Any

import pytest

from adw.domain.phase import Evidence, GateOutcome
from adw.domain.review import Review, ReviewVerdict, parse_review
from adw.workflows.review_comment import review_comment
from adw.workflows.review_course import Course, listed, round_sentence, why_over
from adw.workflows.review_pictures import with_known_pictures
from adw.workflows.reviewing import evidence_lines, without_file

HEAD = "a" * 40
RUDE = "farewell.txt: the farewell is rude"
ROWS = re.compile(r"^\| (?:\d+|finding) ", re.MULTILINE)


def review(*texts: str, severity: str = "blocker", success: bool | None = None, **more: Any) -> Review:
    entries = [{"issue_description": text, "issue_severity": severity, **more} for text in texts]
    rejected = bool(texts) and severity == "blocker"
    answer = {"success": not rejected if success is None else success, "review_summary": "Read.\nTwice."}
    found = parse_review(answer | {"review_issues": entries})
    assert isinstance(found, Review)
    return found


def course(*reviews: Review, limit: int = 3) -> Course:
    """After these rounds; blockers were handed over after each."""
    made = Course(head=HEAD, limit=limit)
    for each in reviews:
        made.take(each)
        if made.verdict is ReviewVerdict.CONVERGING and made.rounds < len(reviews):
            made.hand_over()
    return made


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (course(review()), None),
        (course(review(RUDE)), None),
        (course(review(success=False)), None),
        (course(review(success=False), limit=1), "the reviewer rejected the work without naming a blocker"),
        (course(review(success=False), review(success=False)), "and did so again when asked anew"),
        (course(review(RUDE), limit=1), "1 blocker is open after 1 round of review (converging): 101: "),
        (course(review(RUDE), review(RUDE)), "(stagnant): 101: farewell.txt: the farewell is rude; none was mended"),
        (course(review(RUDE), review("Totals are wrong", "Strangers get in")), "2 blockers are open after 2 rounds"),
        (course(review(RUDE), review("Totals are wrong")), None),
        (course(review(RUDE), review("Totals are wrong"), limit=2), "(diverging): 201: Totals are wrong; mending"),
        (course(review(RUDE), review(success=False), review(success=False)), "again when asked anew"),
        (course(review(RUDE), review(success=False), limit=2), "without naming a blocker"),
    ],
)
def test_a_review_goes_on_or_says_why_not(made: Course, says: str | None):
    over = why_over(made, may_repair=True)
    assert (over is None) if says is None else says in (over or "")


def test_without_repairs_the_first_blocker_ends_it():
    over = why_over(course(review(RUDE)), may_repair=False)
    assert over is not None
    assert over.endswith("repairing is switched off")


def test_rounds_are_told_in_numbers():
    made = course(review(RUDE, "Totals are wrong"), review("Totals are wrong", severity="blocker"))
    assert made.evidence() == {
        "round": 2,
        "verdict": "converging",
        "open": {"skippable": 0, "tech_debt": 0, "blocker": 1},
        "blockers": {"open": [102], "new": [], "fixed": [101]},
    }
    data = made.data()
    assert (data["head"], data["rounds"], data["verdict"], data["summary"]) == (HEAD, 2, "converging", "Read.\nTwice.")
    assert data["findings"][0] == {
        "id": 101,
        "severity": "blocker",
        "status": "fixed",
        "description": RUDE,
        "resolution": "",
        "firstRound": 1,
        "lastRound": 1,
        "screenshot": None,
    }


def test_an_approval_tells_of_lesser_findings():
    assert round_sentence(course(review())) == "no blocker is open after 1 round of review"
    odd = course(review("Names are odd", severity="tech_debt"))
    assert round_sentence(odd) == "no blocker is open after 1 round of review, lesser findings: 1"


def test_many_and_long_blockers_are_cut():
    said = listed(course(review(*[f"Problem {word * 300}" for word in "abcdefg"])).blockers)
    assert said.endswith("; and 2 more")
    assert len(said) < 5 * 210 + 20


def test_the_comment_shows_open_findings_first_and_what_became_of_the_others():
    made = course(review(RUDE), review("Names | are\nodd", severity="tech_debt", screenshot_path="page.png"))
    said = review_comment(made)
    assert said.startswith("**Review: approved** on `aaaaaaaaaaaa`")
    assert "No blocker is open after 2 rounds of review" in said
    assert "> Read.\n> Twice." in said
    rows = [line for line in said.splitlines() if ROWS.match(line)]
    assert rows[1] == "| 201 | tech_debt | open | Names \\| are odd (see `page.png`) |  |"
    assert rows[2].startswith("| 101 | blocker | fixed |")


def test_the_comment_of_a_failed_review_says_why():
    said = review_comment(course(review(RUDE)), end="nothing was mended")
    assert said.startswith("**Review: not approved (converging)**")
    assert "Nothing was mended." in said


def test_a_comment_without_findings_has_no_table():
    assert "|" not in review_comment(course(review()))


def test_a_comment_stays_readable_with_hundreds_of_findings():
    letters = "abcdefghijklmnopqrst"
    texts = [f"{one * 9} {two * 9}" for one in letters for two in letters[:6]]
    said = review_comment(course(review(*texts)))
    assert len(ROWS.findall(said)) == 101
    assert "more are in the report" in said


def test_tests_that_no_longer_run_are_named_for_the_reviewer():
    data = {"vanished": ["t::a"], "silenced": [f"t::{n}" for n in range(60)]}
    found = {
        "tests": Evidence(gate="tests", outcome=GateOutcome.PASSED, commit=HEAD, summary="9 tests passed", data=data),
        "review": Evidence(gate="review", outcome=GateOutcome.FAILED, commit=HEAD, summary="1 blocker"),
    }
    lines = evidence_lines(found)
    assert lines[0] == "tests: passed on aaaaaaaaaaaa: 9 tests passed"
    assert lines[1] == "tests of the base that are gone: t::a"
    assert lines[2].endswith("and 10 more")
    assert len(lines) == 3


def test_a_plan_is_not_shown_twice():
    plan = "diff --git a/specs/p.md b/specs/p.md\n+plan\n"
    code = "diff --git a/x.py b/x.py\n+code\n"
    assert without_file(plan + code, "specs/p.md") == code
    assert without_file(plan + code, None) == plan + code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/there/review-1-1-frontend.png", "review-1-1-frontend.png"),
        ("review-1-1-frontend.png", "review-1-1-frontend.png"),
        ("/there/of-my-dreams.png", None),
        ("", None),
    ],
)
def test_a_finding_shows_only_a_picture_that_exists(given: str, kept: str | None):
    found = with_known_pictures(review(RUDE, screenshot_path=given), ["review-1-1-frontend.png"])
    assert [each.screenshot for each in found.findings] == [kept]
