from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import Unreadable
from adw.workspace.commands.tap import parse_tap


def summary(text: str) -> list[tuple[str, str]]:
    found: Any = parse_tap(text)
    assert not isinstance(found, Unreadable), found
    return [(result.status.value, result.test_id) for result in found]


def test_points_skips_and_plans_are_read():
    text = """TAP version 13
1..5
ok 1 - adds
not ok 2 - subtracts
  ---
  message: expected 2
  ...
ok 3 - later # SKIP no network
not ok 4 - planned # TODO
ok
"""
    assert summary(text) == [
        ("passed", "adds"),
        ("failed", "subtracts"),
        ("skipped", "later"),
        ("skipped", "planned"),
        ("passed", "test 9"),
    ]


def test_a_failure_tells_its_diagnostics():
    found: Any = parse_tap("1..2\nnot ok 1 - a\n# expected 2\n# got 3\nok 2 - b\n")
    assert found[0].error == "# expected 2\n# got 3"


def test_noise_between_points_is_passed_over():
    assert summary("building\nok 1 a\nokay then\n# comment\n1..1\n") == [("passed", "a")]


def test_nested_points_do_not_count_beside_their_parent():
    assert summary("# Subtest: p\n    ok 1 - child\n    1..1\nok 1 - p\n1..1\n") == [("passed", "p")]


def test_points_of_the_same_name_are_told_apart():
    assert summary("1..2\nok 1 a\nnot ok 2 a\n") == [("passed", "a"), ("failed", "a (2)")]


def test_a_todo_that_succeeds_has_passed():
    assert summary("1..1\nok 1 a # TODO soon\n") == [("passed", "a")]


def test_bailing_out_is_an_error_whatever_came_before():
    assert summary("1..3\nok 1 a\nBail out! no database\n") == [("passed", "a"), ("error", "bail out")]


def test_a_plan_of_nothing_is_a_run_without_tests():
    assert summary("1..0 # SKIP nothing here\n") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no plan"),
        ("ok 1 a\n", "no plan"),
        ("1..2\nok 1 a\n", "promised 2"),
        ("1..1\nok 1 a\n1..1\n", "more than one plan"),
    ],
)
def test_what_cannot_be_complete_is_refused(text: str, expected: str):
    found = parse_tap(text)
    assert isinstance(found, Unreadable)
    assert expected in found.reason


@given(st.text(alphabet="ok not1.#\n-!Bail out SKIP", max_size=80))
def test_any_text_is_either_read_or_refused(text: str):
    assert isinstance(parse_tap(text), tuple | Unreadable)
