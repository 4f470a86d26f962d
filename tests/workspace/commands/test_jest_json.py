from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import Unreadable
from adw.workspace.commands.identity import Locator
from adw.workspace.commands.jest_json import parse_jest_json

DATA = Path(__file__).parent / "data"
PROJECT = Locator(Path("/project"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def read(report: Any) -> Any:
    return parse_jest_json(report if isinstance(report, bytes) else json.dumps(report).encode(), locator=PROJECT)


def test_a_report_of_jest_is_read():
    found = read((DATA / "jest-30.5.2.json").read_bytes())
    assert [(result.status.value, result.test_id) for result in found] == [
        ("passed", "jt/sum.test.js::sum adds two numbers"),
        ("failed", 'jt/sum.test.js::sum is "odd" <here>'),
        ("skipped", "jt/sum.test.js::sum is skipped"),
        ("skipped", "jt/sum.test.js::sum is planned"),
        ("error", "jt/broken.test.js"),
    ]
    assert "Expected: 3" in found[1].error
    assert "Cannot find module" in found[4].error


def test_a_status_nobody_knows_is_an_error():
    (found,) = read(
        {"testResults": [{"name": "/project/a.js", "assertionResults": [{"title": "t", "status": "great"}]}]}
    )
    assert (found.status.value, found.error) == ("error", "great")


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[" * 200_000, "not valid JSON"),
        ([], "not jest's"),
        ({}, "not jest's"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(report: Any, expected: str):
    found = read(report)
    assert isinstance(found, Unreadable)
    assert expected in found.reason


@given(json_values, json_values)
def test_any_json_is_either_read_or_refused(value: Any, other: Any):
    test = {"fullName": other, "status": value, "duration": other, "failureMessages": value}
    for report in (value, {"testResults": value}, {"testResults": [{"name": other, "assertionResults": value}]}):
        assert isinstance(read(report), tuple | Unreadable)
    assert isinstance(read({"testResults": [{"status": "failed", "assertionResults": [test, value]}]}), tuple)
