from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.workspace.commands.recordings import RECORDED

from adw.domain.checks import new_errors
from adw.domain.testing import ReportFormat, RunMeaning, TestReport, TestRun, Unparseable
from adw.kit.errors import ConfigurationError
from adw.ports.commands import Command, CommandSet, Place
from adw.workspace.commands import LaunchedCommands

PASSING = '<testsuites><testsuite><testcase classname="c" name="a"/></testsuite></testsuites>'


def command(line: str, **fields: Any) -> Command:
    return Command(**{"line": line, "origin": "here", "timeout_s": 30.0, **fields})


def junit(line: str, **fields: Any) -> Command:
    return command(line, **{"format": ReportFormat.JUNIT, "report": "{report}", **fields})


def lives(pid: int) -> bool:
    """Whether a process still runs; one that only waits to be buried does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def reason(run: TestRun) -> str:
    assert isinstance(run, Unparseable), run
    return run.reason


def report(run: TestRun) -> TestReport:
    assert isinstance(run, TestReport), run
    return run


async def test_a_report_is_read_from_outside_the_working_tree(commands: LaunchedCommands, place: Place):
    run = report(await commands.run_tests(junit(f"echo '{PASSING}' > {{report}}"), place=place))
    assert (run.meaning, [result.test_id for result in run.results]) == (RunMeaning.PASSED, ["c::a"])
    assert list(place.root.iterdir()) == []
    assert list(place.report_dir.iterdir()) == []


async def test_a_missing_report_is_not_replaced_by_a_good_exit_status(commands: LaunchedCommands, place: Place):
    assert reason(await commands.run_tests(junit("true"), place=place)) == "the run wrote no report"


async def test_an_invalid_report_is_named(commands: LaunchedCommands, place: Place):
    run = await commands.run_tests(junit("echo '<testsuites>' > {report}"), place=place)
    assert "not valid XML" in reason(run)
    assert run.meaning is RunMeaning.UNPARSEABLE


async def test_a_report_from_before_the_run_does_not_count(commands: LaunchedCommands, place: Place):
    (place.root / "out.xml").write_text(PASSING)
    run = await commands.run_tests(junit("true", report="out.xml"), place=place)
    assert "one from before the run is there" in reason(run)
    again = await commands.run_tests(junit(f"echo '{PASSING}' > out.xml", report="*.xml"), place=place)
    assert report(again).passed == 1


async def test_many_reports_are_read_as_one(commands: LaunchedCommands, place: Place):
    other = PASSING.replace('"a"', '"b"')
    line = f"mkdir -p a b; echo '{PASSING}' > a/1.xml; echo '{other}' > b/2.xml"
    run = report(await commands.run_tests(junit(line, report="**/*.xml"), place=place))
    assert [result.test_name for result in run.results] == ["a", "b"]


async def test_a_report_that_is_a_link_out_of_the_workspace_is_not_followed(
    commands: LaunchedCommands, place: Place, tmp_path: Path
):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/r.xml").write_text(PASSING)
    for line in (f"ln -s {tmp_path}/elsewhere/r.xml r.xml", f"ln -s {tmp_path}/elsewhere d", "mkfifo f.xml"):
        assert (
            reason(await commands.run_tests(junit(line, report="**/*.xml"), place=place)) == "the run wrote no report"
        )


async def test_one_bad_report_among_many_spoils_them_all(commands: LaunchedCommands, place: Place):
    line = f"echo '{PASSING}' > a.xml; echo '<' > b.xml"
    assert reason(await commands.run_tests(junit(line, report="*.xml"), place=place)).startswith("b.xml: ")


@pytest.mark.parametrize(
    ("report_format", "content"),
    [
        (
            ReportFormat.JEST_JSON,
            '{"testResults": [{"assertionResults": [{"title": "a\\u0000b", "status": "passed"}]}]}',
        ),
        (ReportFormat.TAP, "1..1\nok 1 a\n"),
    ],
)
async def test_reports_of_every_format_may_lie_in_a_file(
    commands: LaunchedCommands, place: Place, report_format: ReportFormat, content: str
):
    (place.root / "made").write_text(content)
    run = report(await commands.run_tests(junit("cp made {report}", format=report_format), place=place))
    assert (run.passed, "\x00" in run.results[0].test_name) == (1, False)


async def test_a_report_too_large_to_be_read_is_refused(commands: LaunchedCommands, place: Place):
    run = await commands.run_tests(junit("truncate -s 65000000 {report}"), place=place)
    assert "more than 64 MB" in reason(run)


async def test_a_command_that_hangs_is_stopped_with_all_it_started(commands: LaunchedCommands, place: Place):
    line = "sleep 1000 & echo $! > child; (trap '' TERM; sleep 1000 & echo $! >> child; wait) & wait"
    run = report(await commands.run_tests(junit(line, timeout_s=1.0), place=place))
    assert [failure.test_id for failure in run.failures] == ["time-out"]
    for pid in (place.root / "child").read_text().split():
        assert not lives(int(pid))


async def test_megabytes_of_output_keep_their_end(commands: LaunchedCommands, place: Place):
    line = "head -c 9000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1"
    run = report(await commands.run_tests(command(line), place=place))
    assert run.output_tail.endswith("the end\n")
    assert len(run.output_tail) < 10_000
    assert "the end" in (run.failures[0].error or "")


async def test_output_that_is_not_text_is_kept_readable(commands: LaunchedCommands, place: Place):
    run = report(await commands.run_tests(command("printf 'caf\\351 \\000 end'; exit 1"), place=place))
    assert run.output_tail.endswith(" end")
    assert "\x00" not in run.output_tail


async def test_tap_is_read_from_what_is_printed(commands: LaunchedCommands, place: Place):
    tap = command("printf '1..2\\nok 1 a\\nnot ok 2 b\\n'; exit 1", format=ReportFormat.TAP)
    assert [failure.test_id for failure in report(await commands.run_tests(tap, place=place)).failures] == ["b"]
    cut = command("yes ok | head -c 9000000", format=ReportFormat.TAP)
    assert "too long" in reason(await commands.run_tests(cut, place=place))


async def test_what_cargo_prints_is_the_report(commands: LaunchedCommands, place: Place):
    cargo = command(f"cat {RECORDED}/cargo/failing.txt; exit 101", format=ReportFormat.CARGO, rerun="true {libtest}")
    run = report(await commands.run_tests(cargo, place=place))
    assert len(run.failures) == 5
    assert run.failures[0].execution_command.startswith("true --tests -- --exact ")
    broken = command(f"cat {RECORDED}/cargo/broken.txt; exit 101", format=ReportFormat.CARGO, rerun="true {libtest}")
    (failure,) = report(await commands.run_tests(broken, place=place)).failures
    assert failure.execution_command == broken.line
    assert await commands.rerun(broken, test_ids=[failure.test_id], times=2, place=place) == {}
    cut = command("yes | head -c 9000000", format=ReportFormat.CARGO)
    assert "too long" in reason(await commands.run_tests(cut, place=place))


async def test_a_report_of_nextest_is_a_file_and_without_it_only_the_compiler_is_believed(
    commands: LaunchedCommands, place: Place
):
    def nextest(line: str) -> Command:
        return command(line, format=ReportFormat.CARGO, report="junit.xml")

    run = report(await commands.run_tests(nextest(f"cp {RECORDED}/cargo/nextest.xml junit.xml; exit 100"), place=place))
    assert [failure.test_id for failure in run.failures][-1] == "calc::it::deep::adds"
    broken = nextest(f"cat {RECORDED}/cargo/nextest-broken.txt; exit 101")
    (failure,) = report(await commands.run_tests(broken, place=place)).failures
    assert "cannot find function `plus`" in (failure.error or "")
    lost = nextest(f"cat {RECORDED}/cargo/nextest.txt; exit 100")
    assert "one from before the run is there" in reason(await commands.run_tests(lost, place=place))


async def test_go_reports_into_a_file_or_prints_its_events(commands: LaunchedCommands, place: Place):
    events = f"{RECORDED}/go/all-1.21.13"
    line = f"cat {events}.json {{report_args}}; cat {events}.stderr.txt >&2; exit 1"
    go = command(line, format=ReportFormat.GO_JSON, report="{report}", report_args="> {report}")
    run = report(await commands.run_tests(go, place=place))
    assert (run.passed, run.failed) == (17, 13)
    printed = report(await commands.run_tests(command(f"cat {events}.json", format=ReportFormat.GO_JSON), place=place))
    assert printed.failed == 13
    missing = "no-such-program {report_args}"
    absent = command(missing, format=ReportFormat.GO_JSON, report="{report}", report_args="> {report}")
    assert "no-such-program" in reason(await commands.run_tests(absent, place=place))


@pytest.mark.parametrize(
    ("tool", "folder", "expected"),
    [
        ("maven", "core/target/surefire-reports", "core maven-compiler-plugin:compile"),
        ("gradle", "core/build/test-results/test", ":core:compileJava"),
    ],
)
async def test_a_build_tools_reports_are_completed_by_what_it_prints(
    commands: LaunchedCommands, place: Place, tool: str, folder: str, expected: str
):
    def build(line: str) -> Command:
        return command(line, format=ReportFormat(tool))

    copy = f"mkdir -p {folder}; cp {RECORDED}/{tool}/failing/* {folder}"
    tests = report(await commands.run_tests(build(copy), place=place))
    assert (tests.failed, tests.meaning) == (5, RunMeaning.FAILED)
    both = report(
        await commands.run_tests(build(f"{copy}; cat {RECORDED}/{tool}/broken-main.txt; exit 1"), place=place)
    )
    assert [failure.test_id for failure in both.failures][-1] == expected
    # The reports of the runs before are still there, and count no more.
    only = report(await commands.run_tests(build(f"cat {RECORDED}/{tool}/broken-main.txt; exit 1"), place=place))
    assert [failure.test_id for failure in only.failures] == ["exit status"]
    assert "Sum.java" in (only.failures[0].error or "")
    none = report(await commands.run_tests(build(f"cat {RECORDED}/{tool}/no-tests.txt"), place=place))
    assert none.meaning is RunMeaning.NO_TESTS
    assert "one from before the run is there" in reason(await commands.run_tests(build("echo BUILD OK"), place=place))
    empty = "<testsuite></testsuite>"
    hollow = f"echo '{empty}' > {folder}/TEST-a.xml; cat {RECORDED}/{tool}/broken-main.txt; exit 1"
    found = report(await commands.run_tests(build(hollow), place=place))
    assert [failure.test_id for failure in found.failures] == ["exit status"]


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 137"])
@pytest.mark.parametrize("path", ["cargo/failing.txt", "go/all-1.27.3.json"])
async def test_a_run_that_is_killed_passes_for_no_whole_one(
    commands: LaunchedCommands, place: Place, path: str, end: str
):
    report_format = ReportFormat.CARGO if "cargo" in path else ReportFormat.GO_JSON
    run = await commands.run_tests(command(f"cat {RECORDED}/{path}; {end}", format=report_format), place=place)
    assert "stopped before its end" in reason(run)


async def test_a_format_that_needs_a_file_is_refused_without_one(commands: LaunchedCommands, place: Place):
    run = await commands.run_tests(command("true", format=ReportFormat.JUNIT), place=place)
    assert reason(run) == "nobody said where the report is"


async def test_a_command_runs_in_its_folder_with_the_variables_of_its_place(commands: LaunchedCommands, place: Place):
    (place.root / "api").mkdir()
    here = Place(root=place.root, report_dir=place.report_dir, env={**place.env, "COLOUR": "blue  green"})
    run = report(await commands.run_tests(command('echo "$(basename "$PWD") $COLOUR"  "a  b"', cwd="api"), place=here))
    assert run.output_tail == "api blue  green a  b\n"
    assert "VIRTUAL_ENV" not in here.env


@pytest.mark.parametrize("cwd", ["missing", "link"])
async def test_a_folder_that_is_none_of_the_repository_is_a_configuration_error(
    commands: LaunchedCommands, place: Place, cwd: str
):
    (place.root / "link").symlink_to("/")
    with pytest.raises(ConfigurationError):
        await commands.run_tests(command("true", cwd=cwd), place=place)


async def test_a_test_runs_alone_until_it_fails_or_has_passed_often_enough(commands: LaunchedCommands, place: Place):
    rerun = "echo {id} >> asked; (echo '<testsuite>'; cat {id}; echo '</testsuite>') > {report}"
    contents = {
        "good": '<testcase name="good"/>',
        "bad": '<testcase name="bad"><failure/></testcase>',
        "idle": '<testcase name="idle"><skipped/></testcase>',
        "gone": '<testcase name="another"/>',
        "mute": "<",
    }
    for name, content in contents.items():
        (place.root / name).write_text(content)
    found = await commands.rerun(junit("true", rerun=rerun), test_ids=list(contents), times=2, place=place)
    assert found == {"good": (True, True), "bad": (False,), "idle": (False,), "gone": (False,), "mute": (False,)}
    assert (place.root / "asked").read_text().split() == ["good", "good", "bad", "idle", "gone", "mute"]


async def test_a_tool_that_runs_no_single_tests_repeats_none(commands: LaunchedCommands, place: Place):
    assert await commands.rerun(junit("true"), test_ids=["a"], times=2, place=place) == {}


async def test_a_command_judged_by_its_status_is_repeated_as_a_whole(commands: LaunchedCommands, place: Place):
    flaky = command("test -e seen || { touch seen; exit 1; }")
    first = report(await commands.run_tests(flaky, place=place))
    again = await commands.rerun(flaky, test_ids=[first.failures[0].test_id], times=2, place=place)
    assert again == {"exit status": (True, True)}


async def test_setup_tells_what_went_wrong(commands: LaunchedCommands, place: Place):
    assert await commands.run_setup(CommandSet(), place=place) is None
    outcome = await commands.run_setup(CommandSet(setup=command("echo no such package; exit 3")), place=place)
    assert outcome is not None
    assert (outcome.name, outcome.ok, outcome.exit_code, outcome.output_tail) == (
        "setup",
        False,
        3,
        "no such package\n",
    )


async def test_build_and_lint_both_run_and_show_only_new_errors(commands: LaunchedCommands, place: Place):
    (place.root / "lint").write_text("a.py:1:1: old\n")
    checks = CommandSet(build=command("exit 1"), lint=command("cat lint; exit 1"))
    base = await commands.run_checks(checks, place=place)
    (place.root / "lint").write_text("a.py:7:1: old\nb.py:3:2: new\n")
    now = await commands.run_checks(checks, place=place)
    assert [outcome.name for outcome in now] == ["build", "lint"]
    assert [str(e) for b, n in zip(base, now, strict=True) for e in new_errors(baseline=b, now=n)] == ["b.py: new"]


async def test_a_check_that_hangs_is_a_failed_check(commands: LaunchedCommands, place: Place):
    (outcome,) = await commands.run_checks(CommandSet(lint=command("sleep 100", timeout_s=0.5)), place=place)
    assert (outcome.ok, outcome.timed_out, outcome.exit_code) == (False, True, None)


async def test_cancelling_a_run_ends_its_processes(commands: LaunchedCommands, place: Place, until: Callable[..., Any]):
    task = asyncio.create_task(commands.run_tests(command("echo $$ > pid.new; mv pid.new pid; sleep 100"), place=place))
    await until((place.root / "pid").exists)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not lives(int((place.root / "pid").read_text()))
