from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import EXIT_STATUS_ID, ReportFormat
from adw.workspace.commands.rerun import fill, runs_alone


@pytest.mark.parametrize(
    ("placeholder", "test_id", "expected"),
    [
        ("go", "example.com/a::TestTable/größe/(a|b)[0]$", "'^TestTable$/^gr..e$/^.a.b..0..$'"),
        ("go", "example.com/a::TestTable/日本_🦀", "'^TestTable$/^....$'"),
        ("libtest", "calc src/lib.rs::tests::adds", "--tests -- --exact tests::adds"),
        ("libtest", "tests/it.rs (2)::adds", "--tests -- --exact adds"),
        ("libtest", "doc-tests calc::calc/src/lib.rs - add (2)", "--doc -- 'calc/src/lib.rs - add (line'"),
        ("nextest", "calc::tests::adds", "'test(=tests::adds) | test(=adds)'"),
        ("nextest", "calc::adds", "'test(=adds)'"),
        ("surefire", "org.a.SumTest::adds", "'org.a.SumTest#adds'"),
        ("surefire", "org.a.SumTest$Inside::deep", "'org.a.SumTest$Inside#deep'"),
        ("surefire", "org.a.SumTest::takes(String)[2]", "'org.a.SumTest#takes'"),
        ("surefire", "org.a.SumTest::takes[a b]", "'org.a.SumTest#takes*'"),
        ("surefire", "org.a.SumTest::größer", "'org.a.SumTest#größer'"),
        ("surefire", "org.a.SumTest::adds two numbers", "org.a.SumTest"),
        ("gradle", "org.a.SumTest::adds()", "org.a.SumTest.adds"),
        ("gradle", "org.a.EachTest::takes[日本]", "'org.a.EachTest.takes*'"),
        ("gradle", "org.a.EachTest::[1] a b", "org.a.EachTest"),
    ],
)
def test_each_runner_is_asked_in_its_own_words(placeholder: str, test_id: str, expected: str):
    assert fill(f"{{{placeholder}}}", test_id=test_id) == expected


@given(st.text(min_size=1).filter(lambda text: "::" not in text and "/" not in text))
def test_the_pattern_for_go_matches_its_name_character_by_character(name: str):
    pattern = shlex.split(fill("{go}", test_id=f"p::{name}"))[0]
    assert re.compile(pattern, re.DOTALL).match(name)


@pytest.mark.parametrize(
    ("test_id", "report_format", "expected"),
    [
        (EXIT_STATUS_ID, ReportFormat.EXIT_CODE, True),
        (EXIT_STATUS_ID, ReportFormat.CARGO, False),
        ("example.com/broken", ReportFormat.GO_JSON, False),
        (":core:compileJava", ReportFormat.GRADLE, False),
        ("org.a.SumTest::adds", ReportFormat.MAVEN, True),
        ("tests/test_a.py", ReportFormat.JUNIT, True),
    ],
)
def test_what_stands_for_more_than_a_test_is_not_run_alone(test_id: str, report_format: ReportFormat, expected: bool):
    assert runs_alone(test_id, report_format) is expected


def test_a_template_is_filled_with_quoted_parts():
    line = fill("run {id} | {file} -t {name} {leaf}", test_id="src/a.ts::sum > it's ok")
    assert shlex.split(line) == ["run", "src/a.ts::sum > it's ok", "|", "src/a.ts", "-t", "^sum.+it.s.ok$", "it.s.ok$"]


def test_a_test_without_a_file_leaves_no_empty_argument():
    assert shlex.split(fill("run {file} -t {name}", test_id="adds")) == ["run", "-t", "^adds$"]


@given(st.text(min_size=1).filter(lambda text: "::" not in text and " > " not in text))
def test_patterns_match_their_name_and_need_no_quoting(name: str):
    pattern = shlex.split(fill("{name}", test_id=name))[0]
    assert re.fullmatch(r"\^[A-Za-z0-9.]*\$", pattern)
    units = "".join(character if ord(character) < 0x10000 else "xx" for character in name)
    assert re.compile(pattern, re.DOTALL).match(units)


@given(st.text(), st.text())
def test_nothing_in_an_id_escapes_its_quotes(place: str, name: str):
    test_id = f"{place}::{name}"
    assert shlex.split(fill("{id}", test_id=test_id)) == [test_id]


def test_a_test_named_like_a_placeholder_stays_what_it_is():
    assert shlex.split(fill("{id}", test_id="a::{file}")) == ["a::{file}"]
