"""What is installed is exactly what was locked, from whatever registry the machine uses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ["requirements/bootstrap.txt", "requirements/dev.txt"]
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|@ file:")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_address(root: Path, name: str):
    assert [line for line in (root / name).read_text().splitlines() if ADDRESS.search(line)] == []


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_one_version_and_hashes(root: Path, name: str):
    entries = [text for text in re.split(r"\n(?=\S)", (root / name).read_text()) if not text.startswith("#")]
    assert entries
    assert [
        text for text in entries if not re.match(r"[\w.\[\],-]+==\S+.*--hash=sha256:[0-9a-f]{64}", text, re.DOTALL)
    ] == []


def test_every_dependency_is_locked(root: Path):
    project = tomllib.loads((root / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    locked = (root / "requirements/dev.txt").read_text()
    names = [re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in wanted]
    assert [name for name in names if not re.search(rf"^{re.escape(name)}==", locked, re.MULTILINE)] == []
