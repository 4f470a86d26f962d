"""The events of `go test -json`, as recorded from it; see `recorded/go/README.md`."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workspace.commands.recordings import errors, reason, recorded, summary

from adw.domain.testing import TestResult, Unreadable
from adw.workspace.commands.go_json import parse_go_json

SAMPLE = "example.com/sample"
CALC = f"{SAMPLE}/calc"
PRINTED = {"1.27.3": "", "1.21.13": recorded("go/all-1.21.13.stderr.txt")}
ALL = {
    f"{SAMPLE}/broken": "error",
    f"{CALC}::TestAdds": "passed",
    f"{CALC}::TestSubtracts": "failed",
    f"{CALC}::TestLater": "skipped",
    f"{CALC}::TestTable": "failed",
    f"{CALC}::TestTable/two_numbers": "failed",
    f"{CALC}::TestTable/größe/ß": "passed",
    f"{CALC}::TestTable/same": "passed",
    f"{CALC}::TestTable/same#01": "passed",
    f"{CALC}::TestTable/(a|b)[0]$": "passed",
    f"{CALC}::TestTable/日本_🦀": "failed",
    f"{CALC}::TestTable/left_out": "skipped",
    f"{CALC}::TestGrüße": "passed",
    f"{CALC}::TestAtOnce": "failed",
    f"{CALC}::TestAtOnce/first": "passed",
    f"{CALC}::TestAtOnce/second": "failed",
    f"{CALC}::TestPretends": "passed",
    f"{CALC}::FuzzAdd": "passed",
    f"{CALC}::FuzzAdd/seed#0": "passed",
    f"{CALC}::ExampleAdd": "passed",
    f"{CALC}::ExampleAdd_wrong": "failed",
    f"{SAMPLE}/exits::TestBefore": "passed",
    f"{SAMPLE}/exits::TestExits": "error",
    f"{SAMPLE}/ok::TestOne": "passed",
    f"{SAMPLE}/ok::TestTwo": "passed",
    f"{SAMPLE}/ok::TestTwo/inner": "passed",
    f"{SAMPLE}/panics::TestBefore": "passed",
    f"{SAMPLE}/panics::TestPanics": "failed",
    f"{SAMPLE}/slow::TestQuick": "passed",
    f"{SAMPLE}/slow::TestSlow": "error",
    f"{SAMPLE}/slow::TestSlow/inner": "error",
    f"{SAMPLE}/vetted": "error",
}


def read(version: str, name: str = "all") -> tuple[TestResult, ...] | Unreadable:
    return parse_go_json(recorded(f"go/{name}-{version}.json").encode(), printed=PRINTED[version])


def event(**fields: object) -> str:
    return json.dumps({"Package": "p", **fields}) + "\n"


@pytest.mark.parametrize("version", PRINTED)
def test_tests_and_sub_tests_of_all_packages_are_told_apart(version: str):
    assert summary(read(version)) == ALL


@pytest.mark.parametrize(
    ("test_id", "expected"),
    [
        (f"{SAMPLE}/broken", "broken/broken_test.go:6:5: undefined: Halve"),
        (f"{SAMPLE}/vetted", "fmt.Printf format %d has arg"),
        (f"{CALC}::TestSubtracts", "calc_test.go:15: got 2, want 1\nprinted by the test"),
        (f"{CALC}::TestTable/日本_🦀", "日本 🦀 fails"),
        (f"{CALC}::ExampleAdd_wrong", "got:\n3\nwant:\n4"),
        (f"{SAMPLE}/exits::TestExits", "it did not end"),
        (f"{SAMPLE}/panics::TestPanics", "panic: assignment to entry in nil map"),
        (f"{SAMPLE}/slow::TestSlow/inner", "it did not end\npanic: test timed out after 2s"),
    ],
)
@pytest.mark.parametrize("version", PRINTED)
def test_a_failure_tells_what_was_printed_of_it(version: str, test_id: str, expected: str):
    assert expected in errors(read(version))[test_id]


@pytest.mark.parametrize("version", PRINTED)
def test_a_package_that_is_not_built_tells_nothing_of_others(version: str):
    assert "vetted" not in errors(read(version))[f"{SAMPLE}/broken"]


def test_a_passing_run_is_read_with_its_durations():
    found = read("1.27.3", "ok")
    assert set(summary(found).values()) == {"passed"}


def test_a_package_that_fails_beside_its_tests_is_an_error_of_its_own():
    report = (
        event(Action="start")
        + event(Action="run", Test="TestA")
        + event(Action="pass", Test="TestA", Elapsed=0.25)
        + event(Action="output", Output="testing: coverage is too low\n")
        + event(Action="fail", Elapsed=1)
    )
    found = parse_go_json(report.encode(), printed="")
    assert summary(found) == {"p::TestA": "passed", "p": "error"}
    assert errors(found) == {"p": "testing: coverage is too low"}
    assert not isinstance(found, Unreadable)
    assert [result.duration_ms for result in found] == [250, 1000]


def test_a_fault_in_a_package_that_another_uses_is_told_for_both():
    printed = "# example.com/deep\ndeep/a.go:1:1: undefined: x\n"
    found = parse_go_json(b"FAIL\texample.com/top [build failed]\n", printed=printed)
    assert errors(found) == {"example.com/top": printed.strip()}


def test_packages_without_tests_are_a_run_of_nothing():
    assert parse_go_json((event(Action="start") + event(Action="skip")).encode(), printed="") == ()


@pytest.mark.parametrize(
    ("report", "printed", "expected"),
    [
        ("", "", "no event"),
        ("", "go: errors parsing go.mod:\ngo.mod:4: unknown directive: nonsense\n", "unknown directive: nonsense"),
        ("ok  \tp\t0.1s\n", "", "no event"),
        ('{"Action":', "", "not valid JSON"),
        ("{}\n[]\n", "", "no event"),
        (event(Action="run", Test="TestA") + event(Action="pass", Test="TestA"), "", "the end of p is missing"),
        (event(Action="start") + '{"Action":"pass","Pack', "", "not valid JSON"),
    ],
)
def test_what_is_no_whole_report_is_refused(report: str, printed: str, expected: str):
    assert expected in reason(parse_go_json(report.encode(), printed=printed))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["Action", "Package", "Test", "Output", "Elapsed", "ImportPath"]), inner)
        ),
    )
)
def test_any_event_is_either_read_or_refused(value: object):
    data = json.dumps({"Action": "fail", "Package": "p", "x": value} | (value if isinstance(value, dict) else {}))
    assert isinstance(parse_go_json(data.encode(), printed=""), tuple | Unreadable)
