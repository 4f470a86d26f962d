from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from adw.demo import create_sample_project, read_sample_issue


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout


def test_the_sample_is_a_clean_repository_on_main_with_its_dot_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A Person")

    create_sample_project(tmp_path / "new" / "tally")

    folder = tmp_path / "new" / "tally"
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "log", "--format=%an %ae").strip() == "Sample Author sample@example.com"
    assert git(folder, "rev-parse", "--abbrev-ref", "HEAD").strip() == "main"
    files = git(folder, "ls-files").split()
    assert {".gitignore", "README.md", "pyproject.toml"} < set(files)
    assert not any("cache" in name for name in files)


def test_the_issue_has_a_title_and_a_body() -> None:
    issue = read_sample_issue()

    assert issue.title
    assert "\n" not in issue.title
    assert not issue.title.startswith("#")
    assert len(issue.body) > len(issue.title)
