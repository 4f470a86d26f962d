from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw.domain.testing import TestResult, TestStatus, Unreadable
from adw.workspace.commands.identity import Locator
from adw.workspace.commands.junit import parse_junit

DATA = Path(__file__).parent / "data"
PROJECT = Locator(Path("/project"))


def read(text: str | bytes, locator: Locator = PROJECT) -> tuple[TestResult, ...] | Unreadable:
    return parse_junit(text if isinstance(text, bytes) else text.encode(), locator=locator)


def cases_of(text: str | bytes) -> tuple[TestResult, ...]:
    found = read(text)
    assert not isinstance(found, Unreadable), found
    return found


def reason(text: str | bytes) -> str:
    found = read(text)
    assert isinstance(found, Unreadable)
    return found.reason


def summary(name: str) -> list[tuple[str, str]]:
    return [(result.status.value, result.test_id) for result in cases_of((DATA / name).read_bytes())]


def test_pytest_ids_are_those_that_pytest_takes_on_its_command_line():
    assert summary("pytest-9.2.0.xml") == [
        ("error", "tests/test_b.py"),
        ("passed", "tests/test_a.py::TestC::test_p[a b]"),
        ("passed", r"tests/test_a.py::TestC::test_p[\xfc/x::y]"),
        ("failed", "tests/test_a.py::test_fail"),
        ("skipped", "tests/test_a.py::test_skip"),
        ("skipped", "tests/test_a.py::test_xf"),
        ("failed", "tests/test_a.py::test_xp"),
        ("error", "tests/test_a.py::test_td"),
        ("failed", "tests/test_a.py::test_td2"),
        ("error", "tests/test_a.py::test_td2"),
        ("error", "tests/test_a.py::test_su"),
    ]


def test_node_ids_name_file_and_suites_and_never_the_folder_of_the_project():
    assert summary("node-24.19.0.xml") == [
        ("passed", "test/a.test.js::adds"),
        ("failed", "test/a.test.js::breaks <&>"),
        ("skipped", "test/a.test.js::skipped"),
        ("skipped", "test/a.test.js::todo fails"),
        ("passed", "test/a.test.js::outer > inner > deep"),
        ("failed", "test/a.test.js::outer > inner > deep fails"),
        ("failed", "test/b.test.js"),
    ]


def test_older_node_names_no_files():
    assert [test_id for _, test_id in summary("node-20.20.2.xml")][-3:] == [
        "outer > inner > deep",
        "outer > inner > deep fails",
        "test/b.test.js",
    ]


def test_vitest_ids_name_file_and_suites():
    assert summary("vitest-5.1.1.xml") == [
        ("failed", "vt/broken.test.ts"),
        ("passed", "vt/sum.test.ts::sum > deep > adds two numbers"),
        ("failed", 'vt/sum.test.ts::sum > is "odd" <here>'),
        ("skipped", "vt/sum.test.ts::sum > is skipped"),
        ("skipped", "vt/sum.test.ts::sum > is planned"),
    ]


def test_jest_junit_ids_name_the_suite():
    assert ("failed", 'sum::sum is "odd" <here>') in summary("jest-junit-17.0.0.xml")


def test_maven_ids_name_the_class():
    (found,) = cases_of(
        '<testsuite name="org.a.SumTest"><testcase name="adds" classname="org.a.SumTest" time="1,002.5"/></testsuite>'
    )
    assert (found.test_id, found.duration_ms) == ("org.a.SumTest::adds", 1_002_500)


def test_other_runners_that_name_a_file_keep_class_and_name():
    (found,) = cases_of('<testsuite><testcase name="adds" classname="Sum" file="/project/spec/sum.rb"/></testsuite>')
    assert found.test_id == "spec/sum.rb::Sum > adds"


def test_a_failure_tells_its_message_and_text_once():
    results = {result.test_id: result for result in cases_of((DATA / "vitest-5.1.1.xml").read_bytes())}
    error = results['vt/sum.test.ts::sum > is "odd" <here>'].error or ""
    assert error.startswith("AssertionError: expected 2 to be 3")
    assert error.count("expected 2 to be 3") == 1


def test_a_failure_without_a_word_still_has_an_error():
    (found,) = cases_of('<testsuite><testcase name="a"><failure/></testcase></testsuite>')
    assert (found.status, found.error) == (TestStatus.FAILED, "failed")


def test_what_a_test_prints_is_not_its_error():
    (found,) = cases_of(
        '<testsuite><testcase name="a"><system-out>noise</system-out><failure message="no"/>'
        "<system-err>more</system-err></testcase></testsuite>"
    )
    assert found.error == "no"


def test_a_long_error_keeps_its_beginning_and_its_end():
    (found,) = cases_of(
        f'<testsuite><testcase name="a"><failure>begin{"x" * 50_000}end</failure></testcase></testsuite>'
    )
    assert found.error is not None
    assert (found.error[:5], found.error[-3:], len(found.error) < 5_000) == ("begin", "end", True)


def test_a_report_without_tests_is_read_as_none():
    assert cases_of("<testsuites/>") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<testsuites><testsuite>", "not valid XML"),
        (b"all is well", "not valid XML"),
        (b"<html></html>", "not JUnit XML"),
        (b"<testcase name='a'/>", "not JUnit XML"),
        (b"<?xml version='1.0' encoding='no-such'?><testsuites/>", "not valid XML"),
        (b"<testsuites><testcase name='\xff\xfe'/></testsuites>", "not valid XML"),
        (b"<testsuites/><testsuites/>", "not valid XML"),
    ],
)
def test_what_is_no_report_is_refused_with_the_reason(text: bytes, expected: str):
    assert expected in reason(text)


def test_entities_that_multiply_are_refused():
    levels = "".join(f'<!ENTITY a{n} "{"".join(f"&a{n - 1};" for _ in range(10))}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a0 "ha">{levels}]><testsuites>&a9;</testsuites>'
    assert "refused" in reason(bomb)


def test_files_of_the_machine_are_not_read_into_a_report(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = '<testsuites><testcase name="a"><failure>&x;</failure></testcase></testsuites>'
    xml = f'<!DOCTYPE t [<!ENTITY x SYSTEM "file://{secret}">]>{body}'
    assert "refused" in reason(xml)


def test_a_document_nested_without_end_is_refused():
    assert "too large" in reason("<testsuites>" + "<testsuite>" * 100_000)


def test_a_failure_outside_a_test_is_passed_over():
    assert cases_of("<testsuites><failure>x</failure></testsuites>") == ()


@given(st.binary(max_size=300))
def test_any_bytes_are_either_read_or_refused(data: bytes):
    assert isinstance(read(b"<testsuites><testsuite>" + data), tuple | Unreadable)


@given(
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
        min_size=1,
    )
)
def test_any_name_comes_through(name: str):
    from xml.sax.saxutils import quoteattr

    (found,) = cases_of(f"<testsuite><testcase classname='c' name={quoteattr(name)}/></testsuite>")
    assert found.test_name == name
