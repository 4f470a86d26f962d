"""A project's own commands: which they are, and how they are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from adw.domain.checks import CheckOutcome
from adw.domain.config import CommandsConfig
from adw.domain.testing import ReportFormat, TestRun
from adw.kit.process.confinement import Confinement

GENERATED_PATHS = (".venv/", "node_modules/", "__pycache__/", ".pytest_cache/", "*.egg-info/")
"""What setting up and testing a project leaves in its folder; to be excluded from every commit of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a project.

    `line` is for `/bin/sh`; in it `{report_args}` stands for the arguments that make the tool write its report, in
    which `{report}` is the file to write. `report` is where it then lies: `{report}`, or a path or glob below `cwd`.
    `rerun` repeats one test: `{id}`, `{file}` and `{name}` (a regular expression) are filled in, quoted.
    """

    line: str
    origin: str
    """Why this one: `[commands] test in adw.toml`, `pyproject.toml has [tool.pytest]`, ..."""
    timeout_s: float
    cwd: str = "."
    format: ReportFormat = ReportFormat.EXIT_CODE
    report: str | None = None
    report_args: str = ""
    rerun: str | None = None

    @property
    def shown(self) -> str:
        """The line as a person would type it."""
        return self.line.replace(" {report_args}", "").replace("{report_args} ", "").removesuffix(" --")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSet:
    """Everything a project can be asked to do; None where there is nothing to run."""

    setup: Command | None = None
    build: Command | None = None
    lint: Command | None = None
    test: Command | None = None
    e2e: Command | None = None
    run: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where commands run. `env` is their complete environment but for the project's own tool folders on `PATH`.

    `report_dir` is outside the working tree, so that nothing of ours is ever committed.
    """

    root: Path
    report_dir: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    confinement: Confinement | None = None
    setup_confinement: Confinement | None = None
    """The set-up command's own, which may have the network where nothing else has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a page of the application looked like: `content` is PNG, `name` that of the port it was seen on."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """How a project's application came up. `urls` are by name of the port; empty when it answered on none."""

    note: str
    urls: Mapping[str, str] = field(default_factory=dict[str, str])
    pictures: tuple[Picture, ...] = ()


class ProjectCommands(Protocol):
    """Finds and runs the commands of a project. A command that fails is a result; nothing here raises for it."""

    def detect(self, root: Path, config: CommandsConfig) -> CommandSet:
        """The commands of the project at `root`: what is configured, else what its files suggest."""
        ...

    def environment_hash(self, root: Path, commands: CommandSet) -> str:
        """Identifies what a result depends on besides the commit: commands, lock files, interpreters."""
        ...

    def environment(self, place: Place) -> Mapping[str, str]:
        """The variables the project's commands get there, for others who run its tools."""
        ...

    async def run_setup(self, commands: CommandSet, *, place: Place) -> CheckOutcome | None:
        """Installs what the project needs; None when there is nothing to install."""
        ...

    async def run_checks(self, commands: CommandSet, *, place: Place) -> tuple[CheckOutcome, ...]:
        """Builds and lints, in this order; one outcome for each command there is, named `build` or `lint`."""
        ...

    async def run_command(self, name: str, command: Command, *, place: Place) -> CheckOutcome:
        """Runs any one command; `name` is what its outcome is called."""
        ...

    async def run_tests(self, command: Command, *, place: Place) -> TestRun:
        """Runs the tests once and reads their report."""
        ...

    async def rerun(
        self, command: Command, *, test_ids: Sequence[str], times: int, place: Place
    ) -> Mapping[str, tuple[bool, ...]]:
        """Runs each test alone, up to `times` times, and says whether it passed; a test that fails is not repeated.

        Tests that cannot be run alone are missing from the answer.
        """
        ...

    async def look_at(self, command: Command, *, place: Place, ports: Mapping[str, int]) -> Appearance:
        """Starts the application, waits until it answers on one of its ports, takes pictures, and ends it."""
        ...
