from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from adw.ports.commands import Command, CommandSet
from adw.workspace.commands.environment import environment_hash, project_environment

COMMANDS = CommandSet(test=Command(line="make test", origin="Makefile", timeout_s=5))


def digest(root: Path, commands: CommandSet = COMMANDS, path: str = os.defpath) -> str:
    return environment_hash(root, commands, path=path)


def test_the_projects_own_tools_come_first(tmp_path: Path):
    path = project_environment(tmp_path, {"PATH": "/usr/bin"}, cwd=tmp_path / "api")["PATH"].split(os.pathsep)
    assert path[:5] == [
        f"{tmp_path}/api/.venv/bin",
        f"{tmp_path}/api/node_modules/.bin",
        f"{tmp_path}/.venv/bin",
        f"{tmp_path}/node_modules/.bin",
        "/usr/bin",
    ]


def test_commands_know_that_nobody_is_watching_unless_the_project_says_otherwise(tmp_path: Path):
    assert project_environment(tmp_path, {})["CI"] == "true"
    assert project_environment(tmp_path, {"CI": ""})["CI"] == ""


def test_a_machine_that_shows_no_interpreter_lends_the_one_below_ours(tmp_path: Path):
    last = project_environment(tmp_path, {"PATH": str(tmp_path)})["PATH"].split(os.pathsep)[-1]
    assert (Path(last) / "python3").exists()


def test_the_same_project_has_the_same_hash(tmp_path: Path):
    (tmp_path / "uv.lock").write_text("a")
    assert digest(tmp_path) == digest(tmp_path)


def test_lock_files_commands_and_interpreters_change_the_hash_and_sources_do_not(tmp_path: Path):
    root = tmp_path / "project"
    root.mkdir()
    hashes = [digest(root)]
    for name in ("uv.lock", "requirements-dev.txt", "package.json", ".nvmrc"):
        (root / name).write_text("x")
        hashes.append(digest(root))
    test = COMMANDS.test
    assert test is not None
    hashes.append(digest(root, CommandSet(test=replace(test, line="make tests"))))
    node = tmp_path / "bin/node"
    node.parent.mkdir()
    node.write_text("#!/bin/sh\n")
    node.chmod(0o755)
    hashes.append(digest(root, path=str(node.parent)))
    assert len(set(hashes)) == len(hashes)
    before = digest(root)
    (root / "main.py").write_text("x")
    assert digest(root) == before


def test_lock_files_beside_a_command_count(tmp_path: Path):
    test = COMMANDS.test
    assert test is not None
    commands = CommandSet(test=replace(test, cwd="api"))
    (tmp_path / "api").mkdir()
    before = digest(tmp_path, commands)
    (tmp_path / "api/package-lock.json").write_text("x")
    assert digest(tmp_path, commands) != before


@pytest.mark.parametrize(
    "name", ["Cargo.toml", "rust-toolchain.toml", "go.work", "go.sum", "pom.xml", "build.gradle.kts"]
)
def test_what_other_languages_are_built_from_counts(tmp_path: Path, name: str):
    before = digest(tmp_path)
    (tmp_path / name).write_text("x")
    assert digest(tmp_path) != before
