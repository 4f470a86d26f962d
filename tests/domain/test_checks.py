from __future__ import annotations

from typing import Any

from adw.domain.checks import CheckOutcome, Diagnostic, new_errors


def outcome(*complaints: tuple[str, str], **fields: Any) -> CheckOutcome:
    found = tuple(Diagnostic(path, message) for path, message in complaints)
    settings = {"name": "lint", "command": "make lint", "ok": False, "exit_code": 1, "duration_ms": 5, **fields}
    return CheckOutcome(**settings, diagnostics=found)


PASSED = outcome(ok=True, exit_code=0)
OLD = ("a.py", "unused import")
NEW = ("a.py", "undefined name")


def test_a_check_that_passes_has_no_new_errors():
    assert new_errors(baseline=outcome(OLD), now=PASSED) == ()


def test_a_complaint_the_base_has_too_is_not_new():
    assert new_errors(baseline=outcome(OLD), now=outcome(OLD)) == ()


def test_a_complaint_the_base_lacks_is_new():
    assert new_errors(baseline=outcome(OLD), now=outcome(OLD, NEW)) == (Diagnostic(*NEW),)


def test_the_same_complaint_once_more_is_new():
    assert new_errors(baseline=outcome(OLD), now=outcome(OLD, OLD)) == (Diagnostic(*OLD),)


def test_without_a_base_every_complaint_is_new():
    assert new_errors(baseline=None, now=outcome(OLD, NEW)) == (Diagnostic(*OLD), Diagnostic(*NEW))


def test_a_failure_without_a_word_is_new_only_where_the_base_passes():
    (found,) = new_errors(baseline=PASSED, now=outcome(exit_code=2))
    assert str(found) == "`make lint` failed with exit status 2"
    assert new_errors(baseline=outcome(), now=outcome()) == ()


def test_known_complaints_are_new_where_the_base_passes():
    warned = outcome(OLD, ok=True, exit_code=0)
    assert new_errors(baseline=warned, now=outcome(OLD)) == (Diagnostic(*OLD),)


def test_a_check_that_does_not_end_is_an_error_unless_the_base_does_not_end_either():
    hanging = outcome(timed_out=True, exit_code=None)
    assert "did not end in time" in str(new_errors(baseline=PASSED, now=hanging)[0])
    assert new_errors(baseline=hanging, now=hanging) == ()


def test_a_complaint_reads_as_path_and_message():
    assert str(Diagnostic(*OLD)) == "a.py: unused import"
