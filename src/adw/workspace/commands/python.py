"""Python projects: their own environment in `.venv`, their tests by pytest."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

from adw.domain.testing import ReportFormat
from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.tree import Tree, items, strings, table

SETUP_TIMEOUT_S = 1200.0
TEST_TIMEOUT_S = 1800.0
LINT_TIMEOUT_S = 600.0

_TEST_FILE = re.compile(r"(^|/)(test_[^/]*|[^/]*_test)\.py$")
_MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_EXTRAS = ("test", "tests", "testing", "dev")
_REQUIREMENTS = (
    "requirements.txt",
    "requirements-dev.txt",
    "requirements-test.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
)
_PYTHON = ".venv/bin/python"
_PIP = f"{_PYTHON} -m pip install --disable-pip-version-check -q"
# With pip in it, because people and agents expect that of an environment.
_UV_VENV = "uv venv -q --seed --allow-existing .venv"
_UV_PIP = f"uv pip install -q --python {_PYTHON}"
# An environment left half made by an interrupted run has no pip yet; making it again repairs it. Its own ignore file
# keeps it out of commits whatever the project ignores.
_VENV = (
    f"({_PYTHON} -m pip --version >/dev/null 2>&1 || python3 -m venv .venv || python -m venv .venv)"
    " && printf '*\\n' > .venv/.gitignore"
)
_REPORT_ARGS = "--continue-on-collection-errors -o junit_family=xunit1 --junitxml={report}"
_PYTEST = f"{_PYTHON} -m pytest"


def python_commands(tree: Tree, *, has_uv: bool) -> CommandSet:
    """The commands of a Python project; empty when it is none."""
    tested = _has_tests(tree)
    if tree.first(*_MARKERS) is None and not tested:
        return CommandSet()
    pyproject = tree.toml("pyproject.toml")
    if tree.has("uv.lock"):
        setup = _locked_setup(tree, pyproject, has_uv=has_uv)
    else:
        setup = _unlocked_setup(tree, pyproject, has_uv=has_uv)
    return CommandSet(setup=setup, test=_test(tree) if tested else None, lint=_lint(tree, pyproject))


def _test(tree: Tree) -> Command:
    return Command(
        line=f"{_PYTEST} {{report_args}}",
        origin=f"pytest: {_pytest_reason(tree)}",
        timeout_s=TEST_TIMEOUT_S,
        format=ReportFormat.JUNIT,
        report="{report}",
        report_args=_REPORT_ARGS,
        rerun=f"{_PYTEST} {{report_args}} {{id}}",
    )


def _lint(tree: Tree, pyproject: dict[str, Any]) -> Command | None:
    settings = tree.first("ruff.toml") or ("pyproject.toml" if table(pyproject, "tool", "ruff") else None)
    if settings is None or "ruff" not in _required_names(tree, pyproject):
        return None
    return Command(
        line=f"{_PYTHON} -m ruff check --no-cache --output-format=concise .",
        origin=f"ruff: required, and configured in {settings}",
        timeout_s=LINT_TIMEOUT_S,
    )


def _locked_setup(tree: Tree, pyproject: dict[str, Any], *, has_uv: bool) -> Command:
    """Installs what the lock file says; uv itself goes into the project's environment where the machine has none."""
    sync = ["sync", "--frozen", *_flags("--extra", _extras(pyproject))]
    sync += _flags("--group", [group for group in _groups(pyproject) if group != "dev"])
    if has_uv:
        steps = [f"uv {shlex.join(sync)}", f"{_UV_PIP} pytest"]
    else:
        steps = [_VENV, f"{_PIP} uv", f".venv/bin/uv {shlex.join([*sync, '--inexact'])}", f"{_PIP} pytest"]
    if "pytest" in _required_names(tree, pyproject):
        steps.pop()
    return Command(line=" && ".join(steps), origin="uv: uv.lock", timeout_s=SETUP_TIMEOUT_S)


def _unlocked_setup(tree: Tree, pyproject: dict[str, Any], *, has_uv: bool) -> Command:
    """Installs what the project names, and pytest. Not by `uv sync`, which would write a lock file into the tree.

    uv does in a second what takes pip ten; where it cannot (a registry only pip is configured for), pip does it.
    """
    files = [path for path in _REQUIREMENTS if tree.has(path)]
    wanted = [*_flags("-r", files), *_project_arguments(tree, pyproject), *_group_requirements(pyproject), "pytest"]
    by_pip = f"{_VENV} && {_PIP} {shlex.join(wanted)}"
    by_uv = f"{{ {_UV_VENV} && {_UV_PIP} {shlex.join(wanted)}; }} || {{ {by_pip}; }}"
    reason = ", ".join([*files, *[path for path in _MARKERS[:3] if tree.has(path)]]) or "tests that pytest runs"
    return Command(
        line=by_uv if has_uv else by_pip,
        origin=f"{'uv, else venv and pip' if has_uv else 'venv and pip'}: {reason}",
        timeout_s=SETUP_TIMEOUT_S,
    )


def _project_arguments(tree: Tree, pyproject: dict[str, Any]) -> list[str]:
    """How pip is asked for the project itself. Without a build system it is no package: only what it needs counts."""
    extras = _extras(pyproject)
    if tree.has("setup.py") or table(pyproject, "build-system"):
        return ["-e", f".[{','.join(extras)}]" if extras else "."]
    project = table(pyproject, "project")
    optional = table(project, "optional-dependencies")
    return [*strings(project.get("dependencies")), *(need for extra in extras for need in strings(optional.get(extra)))]


def _extras(pyproject: dict[str, Any]) -> list[str]:
    optional = table(pyproject, "project", "optional-dependencies")
    return [name for name in _EXTRAS if name in optional]


def _groups(pyproject: dict[str, Any]) -> list[str]:
    groups = table(pyproject, "dependency-groups")
    return [name for name in _EXTRAS if name in groups]


def _group_requirements(pyproject: dict[str, Any]) -> list[str]:
    """The requirements of the dependency groups for tests, spelt out because older pips do not know groups."""
    groups = table(pyproject, "dependency-groups")
    found = [need for name in _groups(pyproject) for need in _group(groups, name, seen=frozenset())]
    poetry = table(pyproject, "tool", "poetry", "group")
    found += [need for name in _EXTRAS for need in table(poetry, name, "dependencies")]
    found += strings(table(pyproject, "tool", "uv").get("dev-dependencies"))
    return list(dict.fromkeys(found))


def _group(groups: dict[str, Any], name: str, *, seen: frozenset[str]) -> Iterator[str]:
    if name in seen:
        return
    for entry in items(groups.get(name)):
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(groups, str(table(entry).get("include-group")), seen=seen | {name})


def _required_names(tree: Tree, pyproject: dict[str, Any]) -> frozenset[str]:
    """The names of all packages the project asks for, for use and for development."""
    project = table(pyproject, "project")
    optional = table(project, "optional-dependencies")
    needs = [*strings(project.get("dependencies")), *_group_requirements(pyproject)]
    needs += [need for extra in _extras(pyproject) for need in strings(optional.get(extra))]
    needs += [line for path in _REQUIREMENTS for line in tree.text(path).splitlines()]
    return frozenset(match[0].lower() for need in needs if (match := re.match(r"[A-Za-z0-9._-]+", need.strip())))


def _has_tests(tree: Tree) -> bool:
    return any(_TEST_FILE.search(path) for path in tree.files)


def _pytest_reason(tree: Tree) -> str:
    if table(tree.toml("pyproject.toml"), "tool", "pytest"):
        return "pyproject.toml has [tool.pytest]"
    if found := tree.first("pytest.ini", "tox.ini", "setup.cfg", "conftest.py"):
        return f"{found} and test files"
    example = min(path for path in tree.files if _TEST_FILE.search(path))
    return f"test files such as {example}"


def _flags(flag: str, values: list[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]
