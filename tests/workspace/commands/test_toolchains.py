"""Detection, setup, runs and re-runs with the real tools, on small projects."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adw.domain.config import CommandsConfig
from adw.domain.testing import RunMeaning, TestReport, Unparseable
from adw.domain.verdict import Baseline, Outcome, compare, to_rerun
from adw.ports.commands import Command, Place
from adw.workspace.commands import LaunchedCommands

Write = Callable[[dict[str, str]], None]


def command_for(commands: LaunchedCommands, root: Path) -> Command:
    found = commands.detect(root, CommandsConfig()).test
    assert found is not None
    return found


async def run(commands: LaunchedCommands, place: Place) -> TestReport:
    found = await commands.run_tests(command_for(commands, place.root), place=place)
    assert isinstance(found, TestReport), found
    return found


def summary(report: TestReport) -> dict[str, str]:
    return {result.test_id: result.status.value for result in report.results}


@pytest.mark.slow
async def test_a_python_project_without_anything_gets_an_environment_with_pytest(
    commands: LaunchedCommands, place: Place, write: Write
):
    write({"calc.py": "def add(a, b):\n    return a - b\n", "tests/test_calc.py": _TEST_CALC})
    found = commands.detect(place.root, CommandsConfig())
    setup = await commands.run_setup(found, place=place)
    assert setup is not None
    assert setup.ok, setup.output_tail
    report = await run(commands, place)
    assert summary(report) == {"tests/test_calc.py::test_adds": "failed", "tests/test_calc.py::test_where": "passed"}
    assert (place.root / ".venv/.gitignore").read_text() == "*\n"
    assert commands.environment_hash(place.root, found) == commands.environment_hash(place.root, found)
    assert sorted(path.name for path in place.root.iterdir()) == [".pytest_cache", ".venv", "calc.py", "tests"]


_TEST_CALC = """
import sys
from pathlib import Path

import pytest

from calc import add


def test_adds():
    assert add(1, 1) == 2


def test_where():
    assert Path(sys.prefix).name == ".venv"
    assert Path(pytest.__file__).is_relative_to(sys.prefix)
"""


@pytest.mark.usefixtures("python_environment")
async def test_pytest_failures_are_told_apart_from_those_of_the_base(
    commands: LaunchedCommands, place: Place, write: Write, tmp_path: Path
):
    write({"test_a.py": f"from pathlib import Path\nseen = Path({str(tmp_path / 'seen')!r})\n{_TEST_A}"})
    base = await run(commands, place)
    assert summary(base)["test_a.py::test_old"] == "failed"
    write({"test_a.py": (place.root / "test_a.py").read_text().replace("BASE = True", "BASE = False")})
    now = await run(commands, place)
    test = command_for(commands, place.root)
    asked = to_rerun(now, baseline=Baseline(run=base))
    assert asked == ("test_a.py::TestMore::test_new[a b's]", "test_a.py::test_unsteady")
    reruns = await commands.rerun(test, test_ids=asked, times=2, place=place)
    verdict = compare(now, baseline=Baseline(run=base), reruns=reruns)
    assert [result.test_id for result in verdict.regressions] == [asked[0]]
    assert [result.test_id for result in verdict.flaky] == [asked[1]]
    assert verdict.regressions[0].execution_command.startswith(".venv/bin/python -m pytest 'test_a.py::TestMore::")
    assert verdict.regressions[0].test_purpose == "new [a b's]"


_TEST_A = """
import pytest

BASE = True

class TestMore:
    @pytest.mark.parametrize("x", ["a b's"])
    def test_new(self, x):
        assert BASE

def test_old():
    assert False

def test_unsteady():
    if not BASE and not seen.exists():
        seen.touch()
        raise AssertionError
"""


@pytest.mark.usefixtures("python_environment")
async def test_a_module_that_cannot_be_imported_hides_no_other_test(
    commands: LaunchedCommands, place: Place, write: Write
):
    write({"test_a.py": "import no_such_module\n", "test_b.py": "def test_b(): pass\n"})
    assert summary(await run(commands, place)) == {"test_a.py": "error", "test_b.py::test_b": "passed"}


@pytest.mark.usefixtures("python_environment")
async def test_test_files_without_tests_are_no_pass(commands: LaunchedCommands, place: Place, write: Write):
    write({"test_a.py": "x = 1\n"})
    assert (await run(commands, place)).meaning is RunMeaning.NO_TESTS


@pytest.mark.usefixtures("python_environment")
async def test_a_test_run_that_kills_itself_leaves_no_report(commands: LaunchedCommands, place: Place, write: Write):
    write({"test_a.py": "import os\ndef test_a(): os._exit(0)\n"})
    found = await commands.run_tests(command_for(commands, place.root), place=place)
    assert isinstance(found, Unparseable)
    assert found.reason == "the run wrote no report"


_NODE_TEST = """
import test, { describe, it } from 'node:test';
import assert from 'node:assert';
import fs from 'node:fs';
test('adds', () => assert.equal(1 + 1, 2));
describe('outer', () => it("it's \\"odd\\"", () => {
  if (!fs.existsSync('seen')) { fs.writeFileSync('seen', ''); assert.fail('first time'); }
}));
test('never works', () => assert.equal(1, 2));
"""


async def test_nodes_own_runner_reports_through_an_npm_script(
    commands: LaunchedCommands, node_place: Place, write: Write
):
    scripts = {"pretest": "echo before", "test": "node --test"}
    write({"package.json": json.dumps({"type": "module", "scripts": scripts}), "test/a.test.js": _NODE_TEST})
    report = await run(commands, node_place)
    odd, never = 'test/a.test.js::outer > it\'s "odd"', "test/a.test.js::never works"
    assert summary(report) == {"test/a.test.js::adds": "passed", odd: "failed", never: "failed"}
    assert "before" in report.output_tail
    test = command_for(commands, node_place.root)
    reruns = await commands.rerun(test, test_ids=[odd, never], times=2, place=node_place)
    assert reruns == {odd: (True, True), never: (False,)}
    assert not list(node_place.report_dir.iterdir())


async def test_a_node_project_whose_script_finds_no_tests_is_no_pass(
    commands: LaunchedCommands, node_place: Place, write: Write
):
    write({"package.json": json.dumps({"scripts": {"test": "node --test"}})})
    report = await run(commands, node_place)
    assert report.meaning is RunMeaning.NO_TESTS
    assert compare(report, baseline=Baseline(run=report), reruns={}).outcome is Outcome.NOT_APPLICABLE


async def test_npm_installs_into_the_project(commands: LaunchedCommands, node_place: Place, write: Write):
    write(
        {
            "package.json": json.dumps({"name": "p", "version": "1.0.0", "dependencies": {"dep": "file:./dep"}}),
            "dep/package.json": json.dumps({"name": "dep", "version": "1.0.0"}),
        }
    )
    setup = await commands.run_setup(commands.detect(node_place.root, CommandsConfig()), place=node_place)
    assert setup is not None
    assert setup.ok, setup.output_tail
    assert sorted(path.name for path in node_place.root.iterdir()) == ["dep", "node_modules", "package.json"]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
async def test_make_is_judged_by_its_exit_status(commands: LaunchedCommands, place: Place, write: Write):
    write({"Makefile": "test:\n\t@echo checking\n\t@test ! -e broken\n"})
    assert (await run(commands, place)).meaning is RunMeaning.PASSED
    write({"broken": ""})
    report = await run(commands, place)
    assert summary(report) == {"exit status": "failed"}
    assert report.failures[0].execution_command == "make test"


async def test_a_configured_command_finds_the_projects_own_tools_first(
    commands: LaunchedCommands, place: Place, write: Write
):
    write({".venv/bin/tool": "#!/bin/sh\necho of the project\n"})
    (place.root / ".venv/bin/tool").chmod(0o755)
    report = await commands.run_tests(Command(line="tool", origin="test", timeout_s=20), place=place)
    assert report.output_tail == "of the project\n"


async def test_our_own_interpreter_is_not_found_by_a_project(commands: LaunchedCommands, place: Place):
    line = "command -v pytest; command -v python3"
    report = await commands.run_tests(Command(line=line, origin="test", timeout_s=20), place=place)
    assert str(Path(sys.prefix) / "bin") not in report.output_tail
