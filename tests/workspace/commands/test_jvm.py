"""Reports and output of Maven and Gradle, as recorded from them; see `recorded/maven` and `recorded/gradle`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.commands.recordings import RECORDED, errors, recorded, summary

from adw.domain.testing import EXIT_STATUS_ID, ReportFormat, TestResult
from adw.workspace.commands.identity import Locator
from adw.workspace.commands.junit import parse_junit
from adw.workspace.commands.jvm_console import build_failures, without_reports

MAVEN, GRADLE = ReportFormat.MAVEN, ReportFormat.GRADLE


def reports(folder: str) -> tuple[TestResult, ...]:
    results: list[TestResult] = []
    for path in sorted((RECORDED / folder).glob("TEST-*.xml")):
        found = parse_junit(path.read_bytes(), locator=Locator(Path("/project")))
        assert isinstance(found, tuple)
        results += found
    return tuple(results)


def failures(path: str) -> dict[str, str]:
    return errors(build_failures(recorded(path), report_format=ReportFormat(path.partition("/")[0])))


def whole(path: str, exit_code: int) -> tuple[TestResult, ...] | None:
    return without_reports(recorded(path), exit_code, report_format=ReportFormat(path.partition("/")[0]))


def test_the_reports_of_all_maven_modules_are_read():
    place = "org.sample.SumTest"
    assert summary(reports("maven/failing")) == {
        "org.sample.app.MainTest::three": "passed",
        f"{place}::adds": "passed",
        f"{place}::addsMore": "failed",
        f"{place}::breaks": "error",
        f"{place}::later": "skipped",
        f"{place}::assumes": "skipped",
        f"{place}::shown": "passed",
        f"{place}::größer": "passed",
        f"{place}::takes(String)[1]": "passed",
        f"{place}::takes(String)[2]": "failed",
        f"{place}::takes(String)[3]": "failed",
        f"{place}::repeats()[1]": "passed",
        f"{place}::repeats()[2]": "passed",
        f"{place}::dynamic()[1]": "passed",
        f"{place}::dynamic()[2]": "passed",
        f"{place}$Inside::deep": "failed",
    }


def test_the_reports_of_all_gradle_modules_are_read():
    place = "org.sample.SumTest"
    assert summary(reports("gradle/failing")) == {
        "org.sample.app.MainTest::three": "passed",
        f"{place}::adds": "passed",
        f"{place}::addsMore": "failed",
        f"{place}::breaks": "failed",
        f"{place}::later": "skipped",
        f"{place}::assumes": "skipped",
        f"{place}::größer": "passed",
        f"{place}$Inside::deep": "failed",
        "org.sample.EachTest::takes[a b]": "passed",
        "org.sample.EachTest::takes[c]": "failed",
        "org.sample.EachTest::takes[日本]": "failed",
    }


@pytest.mark.parametrize("tool", ["maven", "gradle"])
def test_a_failing_test_tells_its_message(tool: str):
    assert '1 + 2 <is> not 4 & "so on"' in errors(reports(f"{tool}/failing"))["org.sample.SumTest::addsMore"]


@pytest.mark.parametrize("path", ["maven/failing.txt", "gradle/failing.txt", "gradle/crashed.txt"])
def test_failing_tests_are_no_failure_of_the_build(path: str):
    assert failures(path) == {}


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("maven/broken-test.txt", "app maven-compiler-plugin:testCompile", "MainTest.java:[10,29] cannot find symbol"),
        ("maven/broken-main.txt", "core maven-compiler-plugin:compile", "java.lang.String cannot be converted to int"),
        ("maven/crashed.txt", "core maven-surefire-plugin:test", "The forked VM terminated without properly saying"),
        ("maven/timed-out.txt", "the virtual machine of the tests", "There was a timeout in the fork"),
        ("maven/bad-dependency.txt", "core dependencies", "Could not resolve dependencies"),
        ("gradle/broken-test.txt", ":app:compileTestJava", "MainTest.java:10: error: cannot find symbol"),
        ("gradle/broken-main.txt", ":core:compileJava", "Sum.java:6: error: cannot find symbol"),
        ("gradle/rerun.txt", ":app:test", "No tests found for given includes"),
    ],
)
def test_what_failed_beside_the_tests_is_an_error_named_after_its_goal_or_task(path: str, name: str, expected: str):
    found = failures(path)
    assert list(found) == [name]
    assert expected in found[name]
    assert "[Help" not in found[name]


@pytest.mark.parametrize("path", ["maven/crashed.txt", "maven/broken-main.txt", "gradle/broken-main.txt"])
def test_a_run_that_fails_before_any_report_fails_as_a_whole(path: str):
    found = whole(path, 1)
    assert found is not None
    assert summary(found) == {EXIT_STATUS_ID: "error"}
    assert next(iter(failures(path).values()))[:100] in errors(found)[EXIT_STATUS_ID]


@pytest.mark.parametrize("tool", ["maven", "gradle"])
def test_a_project_without_tests_is_a_run_of_nothing_if_it_says_so_and_ends_well(tool: str):
    assert whole(f"{tool}/no-tests.txt", 0) == ()
    assert whole(f"{tool}/no-tests.txt", 1) is None
    assert without_reports("BUILD SUCCESS", 0, report_format=ReportFormat(tool)) is None


def test_a_module_that_is_not_there_is_not_taken_for_a_run_without_tests():
    assert whole("maven/bad-pom.txt", 1) is None


_NEWER_GRADLE = """\
> Task :core:compileJava FAILED
/project/core/src/A.java:5: error: ';' expected
1 error

> Task :core:test NO-SOURCE

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':core:compileJava'.
> Compilation failed; see the compiler output below.

* Try:
> Run with --info option to get more log output.
"""


def test_the_form_of_newer_gradle_is_read_as_documented():
    found = errors(build_failures(_NEWER_GRADLE, report_format=GRADLE))
    assert "A.java:5: error: ';' expected" in found[":core:compileJava"]
    assert without_reports("> Task :core:test NO-SOURCE\n", 0, report_format=GRADLE) == ()


def test_a_gradle_script_that_cannot_be_read_is_named_by_what_gradle_says():
    output = "FAILURE: Build failed.\n\n* What went wrong:\nCould not compile build file '/p/build.gradle'.\n> why\n\n"
    assert list(errors(build_failures(output, report_format=GRADLE))) == [
        "Could not compile build file '/p/build.gradle'."
    ]


def test_maven_told_to_stop_at_failing_tests_has_no_other_failure():
    output = (
        "[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin:3.5.4:test (default-test)"
        " on project core: There are test failures.\n[ERROR] \n[ERROR] -> [Help 1]\n"
    )
    assert build_failures(output, report_format=MAVEN) == ()
