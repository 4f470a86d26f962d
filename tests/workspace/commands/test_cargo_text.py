"""What cargo prints, as recorded from it; see `recorded/cargo/README.md`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workspace.commands.recordings import errors, reason, recorded, summary

from adw.domain.testing import EXIT_STATUS_ID, ReportFormat, RunEnd, RunMeaning, TestStatus, Unreadable, judge
from adw.workspace.commands.cargo_text import parse_cargo

CALC = "calc src/lib.rs::tests"
DOCS = "doc-tests calc::calc/src/lib.rs - add"
FAILING = {
    "tests/it.rs::adds": "passed",
    f"{CALC}::adds": "passed",
    f"{CALC}::does_not_panic": "failed",
    f"{CALC}::grüße": "passed",
    f"{CALC}::later": "skipped",
    f"{CALC}::much_later": "skipped",
    f"{CALC}::panics": "passed",
    f"{CALC}::adds_more": "failed",
    f"{CALC}::returns_an_error": "failed",
    f"{CALC}::writes_past_the_harness": "passed",
    "tests/it.rs (2)::adds": "passed",
    "tests/it.rs (2)::deep::adds": "failed",
    "doc-tests book_store::store/src/lib.rs - count": "passed",
    "doc-tests book_store::store/src/lib.rs - count (2)": "passed",
    DOCS: "passed",
    f"{DOCS} (2)": "failed",
    f"{DOCS} (3)": "passed",
    f"{DOCS} (4)": "skipped",
    f"{DOCS} (5)": "passed",
    f"{DOCS} (6)": "passed",
}
ONE = """\
     Running unittests src/lib.rs (target/debug/deps/one-0123456789abcdef)

running 2 tests
test a ... ok
test b ... FAILED

failures:

---- b stdout ----
no good
failures:
    b

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""


@pytest.mark.parametrize("name", ["failing", "coloured", "one-thread"])
def test_binaries_documentation_and_members_are_told_apart(name: str):
    assert summary(parse_cargo(recorded(f"cargo/{name}.txt"))) == FAILING


def test_a_failure_tells_what_the_test_printed_and_nothing_of_other_tests():
    found = errors(parse_cargo(recorded("cargo/failing.txt")))
    error = found[f"{CALC}::adds_more"]
    assert error.startswith("printed by the test\ntest tests::nobody ... ok\n")
    assert "assertion `left == right` failed: 1 + 2 is not 4" in error
    assert found[f"{CALC}::returns_an_error"] == 'Error: "no good"'
    assert "right: 4" in found[f"{DOCS} (2)"]


def test_a_name_is_told_as_a_sentence():
    results = parse_cargo(recorded("cargo/failing.txt"))
    assert not isinstance(results, Unreadable)
    purposes = {result.test_id: result.test_purpose for result in results}
    assert purposes[f"{CALC}::adds_more"] == "adds more"


def test_a_passing_run_and_a_test_alone_are_read():
    passing = summary(parse_cargo(recorded("cargo/passing.txt")))
    assert (set(passing.values()), len(passing)) == ({"passed"}, 3)
    assert summary(parse_cargo(recorded("cargo/rerun.txt"))) == {f"{CALC}::adds": "passed"}


def test_documentation_tests_keep_their_ids_when_they_run_alone():
    alone = summary(parse_cargo(recorded("cargo/rerun-doc.txt")))
    assert {key: FAILING[key] for key in alone} == alone
    assert f"{DOCS} (2)" in alone


def test_a_documentation_test_that_moves_keeps_its_id():
    moved = recorded("cargo/failing.txt").replace("(line 9)", "(line 12)").replace("(line 5)", "(line 8)")
    assert summary(parse_cargo(moved)) == FAILING


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broken", "error[E0425]: cannot find function `plus` in crate `calc`"),
        ("build", "error[E0425]: cannot find value `c` in this scope"),
        ("bad-manifest", "error: key with no value, expected `=`"),
    ],
)
def test_what_cannot_be_compiled_fails_as_a_whole_in_the_compilers_words(name: str, expected: str):
    found = parse_cargo(recorded(f"cargo/{name}.txt"))
    assert summary(found) == {EXIT_STATUS_ID: "error"}
    assert errors(found)[EXIT_STATUS_ID].startswith(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aborted", r"calc src/lib.rs do not add up to its summary: 9 announced, 7 listed (process didn't exit"),
        ("exited", r"calc src/lib.rs do not add up to its summary: 9 announced, "),
        ("own-harness", "tests/it.rs did not say how many tests it runs"),
    ],
)
def test_a_binary_that_does_not_finish_as_announced_spoils_the_run_even_with_status_0(name: str, expected: str):
    assert expected in reason(parse_cargo(recorded(f"cargo/{name}.txt")))


def test_no_tests_are_no_pass():
    found = parse_cargo(recorded("cargo/no-tests.txt"))
    end = RunEnd(command="cargo test", exit_code=0)
    assert judge(found, end=end, report_format=ReportFormat.CARGO).meaning is RunMeaning.NO_TESTS


@pytest.mark.parametrize("output", ["", "all is well\n", "   Compiling one v0.1.0\n", "test a ... ok\n"])
def test_output_without_a_run_is_refused(output: str):
    assert "no run of `cargo test`" in reason(parse_cargo(output))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("test a ... ok\n", ""),
        lambda text: text.replace("test a ... ok\n", "test a ... ok\ntest c ... ok\n"),
        lambda text: text.replace("test a ... ok", "test a ... FAILED"),
        lambda text: text.replace("running 2 tests", "running 3 tests"),
        lambda text: text[: text.index("test result")],
        lambda text: text[: text.index("failures:")],
        lambda text: text.replace("1 passed", "2 passed"),
    ],
)
def test_whatever_does_not_add_up_is_refused(spoil: Callable[[str], str]):
    assert summary(parse_cargo(ONE)) == {"one src/lib.rs::a": "passed", "one src/lib.rs::b": "failed"}
    assert "do not add up" in reason(parse_cargo(spoil(ONE)))


def test_a_summary_that_a_test_printed_does_not_end_its_binary():
    fake = "test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
    found = parse_cargo(ONE.replace("no good", f"{fake}\nno good"))
    assert errors(found)["one src/lib.rs::b"] == f"{fake}\nno good"


def test_older_headings_and_benchmarks_are_read():
    output = (
        "     Running target/debug/deps/old-0123456789abcdef\n\nrunning 1 test\n"
        "test fast ... bench:          12 ns/iter (+/- 3)\n\n"
        "test result: ok. 0 passed; 0 failed; 0 ignored; 1 measured; 0 filtered out\n"
    )
    assert summary(parse_cargo(output)) == {"old::fast": TestStatus.PASSED.value}


@given(
    st.lists(st.sampled_from([*ONE.splitlines(), "test c ... ", "ok", "     Running x (y-1)", "error: x"]), max_size=25)
)
def test_any_order_of_lines_is_either_read_or_refused(lines: list[str]):
    assert isinstance(parse_cargo("\n".join(lines)), tuple | Unreadable)
