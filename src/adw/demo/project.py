"""Copies the sample project out of the package and makes a repository of it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from adw.kit.errors import GitError
from adw.kit.git.runner import Identity

BRANCH = "main"
_AUTHOR = Identity(name="Sample Author", email="sample@example.com")
_LEFT_OUT = frozenset({"__pycache__", ".ruff_cache", ".pytest_cache"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleIssue:
    """What the sample project's user complains about."""

    title: str
    body: str


def create_sample_project(folder: Path) -> None:
    """Fills `folder` with the sample project, committed on branch `main`. Raises GitError."""
    folder.mkdir(parents=True)
    _copy(resources.files("adw.demo").joinpath("sample"), folder)
    for words in (("init", "-q", "-b", BRANCH), ("add", "-A"), ("commit", "-q", "-m", "Add up customer statements")):
        _git(folder, *words)


def read_sample_issue() -> SampleIssue:
    """The first line of the text, without its `# `, is the title."""
    text = resources.files("adw.demo").joinpath("issue.md").read_text(encoding="utf-8")
    title, _, body = text.partition("\n")
    return SampleIssue(title=title.removeprefix("# ").strip(), body=body.strip())


def _copy(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        if entry.name in _LEFT_OUT:
            continue
        place = target / entry.name
        if entry.is_dir():
            place.mkdir()
            _copy(entry, place)
        else:
            place.write_bytes(entry.read_bytes())


def _git(folder: Path, *words: str) -> None:
    # A person's own git configuration (hooks, signing, templates) has no say in a sample.
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", **_AUTHOR.environment()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], env=kept | own, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise GitError("git was not found", hint="install git and make sure it is on PATH") from error
    if done.returncode != 0:
        raise GitError(f"git {words[0]} failed: {done.stderr.strip()}")
