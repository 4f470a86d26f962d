from __future__ import annotations

import pytest

from adw.domain.feedback import Fault
from adw.domain.feedback_checks import EXCERPT_CHARS, judge_check, plain_log, signature
from adw.domain.forge_checks import Check, CheckState

FAILING_TEST = """\
2026-03-01T10:00:00.1234567Z \x1b[31mFAILED\x1b[0m tests/test_total.py::test_empty - AssertionError: assert 1 == 0
2026-03-01T10:00:01.0000000Z 1 failed, 12 passed in 3.21s
"""


def check(**changes: object) -> Check:
    values: dict[str, object] = {
        "id": "1",
        "name": "ci / test",
        "sha": "a" * 40,
        "state": CheckState.FAILED,
        "conclusion": "failure",
    }
    return Check(**values | changes)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("conclusion", "log", "summary", "fault"),
    [
        ("failure", FAILING_TEST, "", Fault.REGRESSION),
        ("failure", "src/a.ts(3,1): error: TS2304: Cannot find name 'x'.", "", Fault.REGRESSION),
        ("failure", "", "", Fault.REGRESSION),
        (
            "failure",
            "",
            "The job was not started because recent account payments have failed.",
            Fault.BILLING,
        ),
        ("failure", "You have exceeded your included minutes.", "", Fault.BILLING),
        ("failure", "FAILED tests/test_invoice.py - a spending limit is refused\n1 failed", "", Fault.REGRESSION),
        ("startup_failure", "", "", Fault.INFRASTRUCTURE),
        ("action_required", "", "", Fault.INFRASTRUCTURE),
        ("failure", "The runner has received a shutdown signal.", "", Fault.INFRASTRUCTURE),
        ("failure", "3 passed\nOSError: [Errno 28] No space left on device", "", Fault.INFRASTRUCTURE),
        ("failure", "curl: (6) Could not resolve host: pypi.org", "", Fault.INFRASTRUCTURE),
        ("cancelled", "Setting up", "", Fault.INFRASTRUCTURE),
        ("timed_out", "12 passed so far", "", Fault.FLAKY),
        ("failure", "1 failed, 3 passed\nE   requests: Connection reset by peer", "", Fault.FLAKY),
        ("failure", "--- FAIL: TestWait (5.00s)\n  context deadline exceeded", "", Fault.FLAKY),
    ],
)
def test_the_fault_is_told_from_what_the_check_says(conclusion: str, log: str, summary: str, fault: Fault):
    assert judge_check(check(conclusion=conclusion, summary=summary), log, red_on_base=False).fault is fault


def test_what_is_red_on_the_base_is_not_ours_unless_it_could_not_run_at_all():
    assert judge_check(check(), FAILING_TEST, red_on_base=True).fault is Fault.PREEXISTING
    assert judge_check(check(conclusion="startup_failure"), "", red_on_base=True).fault is Fault.INFRASTRUCTURE


def test_the_same_failure_has_the_same_signature_whenever_it_ran():
    later = FAILING_TEST.replace("10:00", "11:37").replace("3.21s", "4.77s")
    assert signature(plain_log(later)) == signature(plain_log(FAILING_TEST))
    other = FAILING_TEST.replace("test_empty", "test_full")
    assert signature(plain_log(other)) != signature(plain_log(FAILING_TEST))


def test_the_end_of_a_long_output_is_kept_without_colours():
    judged = judge_check(check(), "noise\n" * 5000 + FAILING_TEST, red_on_base=False)
    assert len(judged.excerpt) <= EXCERPT_CHARS
    assert judged.excerpt.endswith("1 failed, 12 passed in 3.21s")
    assert "\x1b" not in judged.excerpt
