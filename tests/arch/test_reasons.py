"""A rule may be set aside, with a reason beside it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

NOQA = re.compile(r"# noqa: [A-Z0-9]+(, ?[A-Z0-9]+)*(?P<rest>.*)")


def test_every_rule_that_ruff_ignores_has_a_reason(root: Path):
    text = (root / "pyproject.toml").read_text()
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    rules = {*lint["ignore"], *(rule for rules in lint["per-file-ignores"].values() for rule in rules)}
    section = text.split("[tool.ruff.lint]", 1)[1].split("[tool.ruff.lint.isort]", 1)[0]
    explained = {rule for line in section.splitlines() if "# " in line for rule in re.findall(r'"([A-Z]+\d*)"', line)}
    assert rules - explained == set()


def test_every_exception_to_a_rule_in_the_source_has_a_reason(root: Path, sources: list[Path]):
    found = [
        f"{path.relative_to(root)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (match := NOQA.search(line)) and not match["rest"].strip(" -#")
    ]
    assert found == []


def test_every_warning_that_tests_ignore_has_a_reason(root: Path):
    text = (root / "pyproject.toml").read_text()
    section = text.split("filterwarnings = [", 1)[1].split("\n]", 1)[0]
    ignored = [line for line in section.splitlines() if "ignore:" in line]
    assert [line for line in ignored if "# " not in line] == []
