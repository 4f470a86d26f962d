"""Node projects: npm, pnpm or yarn; tests by vitest, jest or Node's own runner with a report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree, table

SETUP_TIMEOUT_S = 1200.0
TEST_TIMEOUT_S = 1800.0
CHECK_TIMEOUT_S = 900.0

_LOCK_FILES = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
_NO_TEST = "no test specified"
_NODE_RUNNER = re.compile(r"\bnode\b[^&|;]*\s--test(?=\s|$)")
_BIN = "node_modules/.bin"
# The report's path arrives quoted for the shell; Node itself wants double quotes around a path with spaces.
_NODE_OPTIONS = (
    r'export NODE_OPTIONS="$NODE_OPTIONS --test-reporter=junit --test-reporter-destination=\""{report}"\"" &&'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Runner:
    """A test runner that a script may end with, and the arguments that make it report."""

    name: str
    word: str
    format: ReportFormat
    report_args: str
    direct: str
    only: str


_RUNNERS = (
    _Runner(
        name="vitest",
        word=r"\bvitest\b",
        format=ReportFormat.JUNIT,
        report_args="--run --passWithNoTests --reporter=junit --outputFile={report}",
        direct=f"{_BIN}/vitest",
        only="{file} -t {name}",
    ),
    _Runner(
        name="jest",
        word=r"\bjest\b|\breact-scripts test\b",
        format=ReportFormat.JEST_JSON,
        report_args="--ci --watchAll=false --passWithNoTests --json --outputFile={report}",
        direct=f"{_BIN}/jest",
        only="{file} -t {name}",
    ),
)


def node_commands(tree: Tree) -> CommandSet:
    """The commands of a Node project; empty when there is no `package.json`."""
    if not tree.has("package.json"):
        return CommandSet()
    package = tree.json("package.json")
    scripts = {name: str(text) for name, text in table(package, "scripts").items()}
    manager = _manager(tree, package)
    return CommandSet(
        setup=_setup(tree, package, manager),
        build=_script(scripts, manager, "build"),
        lint=_script(scripts, manager, "lint"),
        test=_test(package, scripts, manager),
        e2e=_script(scripts, manager, "e2e", "test:e2e"),
        run=_script(scripts, manager, "start", "dev"),
    )


def _manager(tree: Tree, package: Mapping[str, Any]) -> str:
    named = str(package.get("packageManager", "")).partition("@")[0]
    if named in {"npm", "pnpm", "yarn"}:
        return named
    return next((manager for lock, manager in _LOCK_FILES.items() if tree.has(lock)), "npm")


def _setup(tree: Tree, package: Mapping[str, Any], manager: str) -> Command | None:
    lock = next((lock for lock, owner in _LOCK_FILES.items() if owner == manager and tree.has(lock)), None)
    needs = any(table(package, kind) for kind in ("dependencies", "devDependencies", "optionalDependencies"))
    if lock is None and not needs and not package.get("workspaces"):
        return None
    return Command(
        line=_install_line(tree, package, manager, locked=lock is not None),
        origin=f"{manager}: {lock or 'package.json names dependencies'}",
        timeout_s=SETUP_TIMEOUT_S,
    )


def _install_line(tree: Tree, package: Mapping[str, Any], manager: str, *, locked: bool) -> str:
    """Installs exactly what the lock file says, and never writes one."""
    if manager == "npm":
        return "npm ci --no-audit --no-fund" if locked else "npm install --no-package-lock --no-audit --no-fund"
    if manager == "pnpm":
        return "pnpm install --frozen-lockfile" if locked else "pnpm install --no-lockfile"
    modern = tree.has(".yarnrc.yml") or not re.match(r"yarn@[01]\.|yarn$|$", str(package.get("packageManager", "")))
    if modern:
        return "yarn install --immutable" if locked else "yarn install"
    return "yarn install --frozen-lockfile" if locked else "yarn install --no-lockfile"


def _script(scripts: Mapping[str, str], manager: str, *names: str) -> Command | None:
    name = next((name for name in names if scripts.get(name, "").strip()), None)
    if name is None:
        return None
    return Command(line=f"{manager} run {name}", origin=f'package.json script "{name}"', timeout_s=CHECK_TIMEOUT_S)


def _test(package: Mapping[str, Any], scripts: Mapping[str, str], manager: str) -> Command | None:
    script = scripts.get("test", "").strip()
    if not script or _NO_TEST in script:
        return _installed_runner(package)
    last = re.split(r"&&|\|\||;|\|", script)[-1]
    for runner in _RUNNERS:
        if re.search(runner.word, last):
            return _appended(runner, manager)
    if _NODE_RUNNER.search(script):
        return _node_test(script, manager)
    return _installed_runner(package, script) or Command(
        line=f"{manager} test", origin='package.json script "test"', timeout_s=TEST_TIMEOUT_S
    )


def _appended(runner: _Runner, manager: str) -> Command:
    """The project's own script with arguments behind it; npm alone wants them set off."""
    line = f"{manager} test {'-- ' if manager == 'npm' else ''}{{report_args}}"
    return _command(runner, line, origin=f'{runner.name}: package.json script "test"')


def _installed_runner(package: Mapping[str, Any], script: str = "") -> Command | None:
    """A runner that the project depends on, called directly: there is no script, or arguments cannot follow it."""
    needs = {**table(package, "dependencies"), **table(package, "devDependencies")}
    for runner in _RUNNERS:
        if runner.name in needs and (not script or re.search(runner.word, script)):
            return _command(runner, f"{runner.direct} {{report_args}}", origin=f"{runner.name}: a dependency")
    return None


def _command(runner: _Runner, line: str, *, origin: str) -> Command:
    return Command(
        line=line,
        origin=origin,
        timeout_s=TEST_TIMEOUT_S,
        format=runner.format,
        report="{report}",
        report_args=runner.report_args,
        rerun=f"{line} {runner.only}",
    )


def _node_test(script: str, manager: str) -> Command:
    """Node reads its reporter from the environment, which reaches it through any script; a name pattern it does not."""
    chosen = re.sub(r"(\s--test)(?=\s|$)", r"\1 --test-name-pattern={leaf}", script, count=1)
    return Command(
        line=f"{{report_args}} {manager} test",
        origin='Node\'s test runner: package.json script "test"',
        timeout_s=TEST_TIMEOUT_S,
        format=ReportFormat.JUNIT,
        report="{report}",
        report_args=_NODE_OPTIONS,
        rerun=f"{{report_args}} {chosen}",
    )
