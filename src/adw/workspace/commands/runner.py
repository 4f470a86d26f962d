"""Runs a project's commands under the supervisor and says what came of them."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from adw.domain.checks import CheckOutcome
from adw.domain.config import CommandsConfig
from adw.domain.testing import ReportFormat, RunEnd, TestReport, TestResult, TestRun, TestStatus, Unreadable, judge
from adw.kit.errors import ConfigurationError
from adw.ports.commands import Appearance, Command, CommandSet, Place
from adw.ports.launcher import Exited, Launch, Launcher
from adw.workspace.commands.application import look_at_application
from adw.workspace.commands.detect import choose_commands
from adw.workspace.commands.diagnostics import find_diagnostics
from adw.workspace.commands.environment import environment_hash, project_environment
from adw.workspace.commands.identity import clean_text
from adw.workspace.commands.reports import expect_report, read_report
from adw.workspace.commands.rerun import fill, runs_alone
from adw.workspace.commands.tree import read_tree

MAX_OUTPUT_BYTES = 4_000_000
_TAIL_CHARACTERS = 8_000


class LaunchedCommands:
    """The commands of projects, run through a launcher. `path` is where programs are looked for at detection."""

    def __init__(self, launcher: Launcher, *, path: str) -> None:
        self._launcher = launcher
        self._path = path

    def detect(self, root: Path, config: CommandsConfig) -> CommandSet:
        """What is configured, else what the files of the project suggest. Blocking, but reads little."""
        return choose_commands(
            read_tree(root), config, has_uv=self._has_program("uv"), has_nextest=self._has_program("cargo-nextest")
        )

    def environment_hash(self, root: Path, commands: CommandSet) -> str:
        return environment_hash(root, commands, path=self._path)

    def environment(self, place: Place) -> Mapping[str, str]:
        """The variables the project's commands get there, for others who run its tools."""
        return project_environment(place.root, place.env)

    async def run_setup(self, commands: CommandSet, *, place: Place) -> CheckOutcome | None:
        """Installs what the project needs; None when there is nothing to install."""
        place = replace(place, confinement=place.setup_confinement)
        return await self._check("setup", commands.setup, place) if commands.setup else None

    async def run_checks(self, commands: CommandSet, *, place: Place) -> tuple[CheckOutcome, ...]:
        """Builds, then lints: both always run, so that one round of fixing sees everything."""
        checks = [("build", commands.build), ("lint", commands.lint)]
        return tuple([await self._check(name, command, place) for name, command in checks if command is not None])

    async def run_command(self, name: str, command: Command, *, place: Place) -> CheckOutcome:
        """Runs any one command; `name` is what its outcome is called."""
        return await self._check(name, command, place)

    async def run_tests(self, command: Command, *, place: Place) -> TestRun:
        """Runs the tests once and reads their report. A time-out is a failure of its own."""
        run = await self._tests(command, command.line, place)
        if not isinstance(run, TestReport):
            return run
        return replace(run, results=tuple(_with_command(result, command) for result in run.results))

    async def rerun(
        self, command: Command, *, test_ids: Sequence[str], times: int, place: Place
    ) -> Mapping[str, tuple[bool, ...]]:
        """Runs each test alone, one after the other, until it fails or has passed `times` times."""
        # A command judged by its status has no single tests: it runs as a whole.
        template = command.rerun or (command.line if command.format is ReportFormat.EXIT_CODE else None)
        if template is None:
            return {}
        alone = [test_id for test_id in test_ids if runs_alone(test_id, command.format)]
        return {test_id: await self._passes(command, template, test_id, times, place) for test_id in alone}

    def _has_program(self, name: str) -> bool:
        return shutil.which(name, path=self._path) is not None

    async def look_at(self, command: Command, *, place: Place, ports: Mapping[str, int]) -> Appearance:
        """Starts the application, waits until it answers on one of its ports, takes pictures, and ends it."""
        cwd = _folder(place.root, command.cwd)
        env = project_environment(place.root, place.env, cwd=cwd)
        return await look_at_application(
            self._launcher, command, place=place, cwd=cwd, env=env, ports=ports, path=self._path
        )

    async def _passes(
        self, command: Command, template: str, test_id: str, times: int, place: Place
    ) -> tuple[bool, ...]:
        passes: list[bool] = []
        while len(passes) < times and all(passes):
            run = await self._tests(command, template, place, test_id=test_id)
            found = run.results if isinstance(run, TestReport) else ()
            passes.append(any(result.test_id == test_id and result.status is TestStatus.PASSED for result in found))
        return tuple(passes)

    async def _tests(self, command: Command, template: str, place: Place, *, test_id: str | None = None) -> TestRun:
        cwd = _folder(place.root, command.cwd)
        report = place.report_dir / f"report-{uuid4().hex}"
        report.parent.mkdir(parents=True, exist_ok=True)
        expected = await asyncio.to_thread(
            expect_report,
            report_format=command.format,
            root=place.root,
            folder=cwd,
            pattern=(command.report or "").replace("{report}", str(report)),
        )
        line = _with_report(template, command, report)
        exited = await self._run(line if test_id is None else fill(line, test_id=test_id), command, place, cwd)
        end = _end(exited, command)
        found = Unreadable("") if exited.timed_out else await asyncio.to_thread(read_report, expected, exited)
        report.unlink(missing_ok=True)
        return judge(found, end=end, report_format=command.format)

    async def _check(self, name: str, command: Command, place: Place) -> CheckOutcome:
        exited = await self._run(command.line, command, place, _folder(place.root, command.cwd))
        ok = exited.exit_code == 0 and not exited.timed_out
        return CheckOutcome(
            name=name,
            command=command.shown,
            ok=ok,
            exit_code=exited.exit_code,
            duration_ms=exited.duration_ms,
            timed_out=exited.timed_out,
            diagnostics=() if ok else find_diagnostics(exited.output, root=place.root),
            output_tail=_tail(exited.output),
        )

    async def _run(self, line: str, command: Command, place: Place, cwd: Path) -> Exited:
        launch = Launch(
            argv=("/bin/sh", "-c", line),
            cwd=cwd,
            env=project_environment(place.root, place.env, cwd=cwd),
            confinement=place.confinement,
        )
        return await self._launcher.run(launch, timeout_s=command.timeout_s, max_output_bytes=MAX_OUTPUT_BYTES)


def _folder(root: Path, cwd: str) -> Path:
    """Where a command runs. Raises `ConfigurationError` when that is no folder inside the workspace."""
    folder = (root / cwd).resolve()
    if not folder.is_dir() or not folder.is_relative_to(root.resolve()):
        raise ConfigurationError(
            f'commands: cwd = "{cwd}" is not a folder of this repository',
            hint='Correct `cwd` in adw.toml, e.g. "backend"',
        )
    return folder


def _with_report(template: str, command: Command, report: Path) -> str:
    return template.replace("{report_args}", command.report_args).replace("{report}", shlex.quote(str(report)))


def _with_command(result: TestResult, command: Command) -> TestResult:
    """A result that says how to repeat it."""
    if result.execution_command or command.rerun is None or not runs_alone(result.test_id, command.format):
        return replace(result, execution_command=result.execution_command or command.shown)
    shown = replace(command, line=command.rerun).shown
    return replace(result, execution_command=fill(shown, test_id=result.test_id))


def _end(exited: Exited, command: Command) -> RunEnd:
    return RunEnd(
        command=command.shown,
        exit_code=exited.exit_code,
        duration_ms=exited.duration_ms,
        timed_out=exited.timed_out,
        output_tail=_tail(exited.output),
    )


def _tail(output: str) -> str:
    return clean_text(output[-_TAIL_CHARACTERS:])
