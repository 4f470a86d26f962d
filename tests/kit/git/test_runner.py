from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from adw.kit.errors import GitError, InfrastructureError
from adw.kit.git import Git, GitCommandError
from adw.kit.git.changes import names, parse_numstat, parse_raw_changes
from adw.kit.process import ProgramTimeoutError


@pytest.fixture
def git(person) -> Git:
    return Git(git_dir=person.path / ".git")


async def test_a_failure_carries_command_code_and_what_git_said(git: Git) -> None:
    with pytest.raises(GitCommandError) as raised:
        await git.run("cat-file", "-e", "0" * 39 + "1")
    error = raised.value
    assert (error.command[0], error.git_code) == ("cat-file", 1)
    assert isinstance(error, GitError)
    with pytest.raises(GitCommandError, match="git rev-parse nonsense failed with code 128") as raised:
        await git.run("rev-parse", "nonsense")
    assert "ambiguous argument" in raised.value.stderr


async def test_only_our_configuration_counts(git: Git, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".gitconfig").write_text("[user]\n\tname = Somebody\n[alias]\n\thi = !echo hi\n")
    for name, value in (("HOME", root), ("XDG_CONFIG_HOME", root), ("GIT_DIR", root), ("GIT_INDEX_FILE", root)):
        monkeypatch.setenv(name, str(value))
    assert (await git.run("config", "--get", "user.name", accept=(1,))).out == ""
    assert await git.text("rev-parse", "--absolute-git-dir") == str(git.git_dir)
    assert (await git.text("var", "GIT_AUTHOR_IDENT")).startswith("ADW Orchestrator <")


async def test_a_repository_is_never_searched_for(root: Path, person) -> None:
    (person.path / "docs").mkdir()
    with pytest.raises(GitError):
        await Git(git_dir=person.path / "docs").run("status")
    with pytest.raises(InfrastructureError, match="does not exist"):
        await Git(git_dir=root / "nothing").run("status")


async def test_revisions_resolve_to_commits_or_nothing(git: Git, person) -> None:
    head = person.git("rev-parse", "HEAD")
    assert await git.resolve("main") == head
    assert await git.resolve("main:a.txt") is None
    assert await git.resolve("nothing") is None
    assert await git.resolve("--all") is None
    assert await git.has(head)
    assert not await git.has("1" * 40)


async def test_output_keeps_bytes_that_are_not_unicode(git: Git, person) -> None:
    blob = await git.text("hash-object", "-w", "--stdin", stdin=b"\xe9t\xe9\n")
    assert os.fsencode(await git.text("cat-file", "blob", blob)) == b"\xe9t\xe9"


async def test_a_timeout_and_a_cancellation_leave_no_process(git: Git, root: Path, person) -> None:
    marker = root / "pid"
    script = root / "hang"
    script.write_text(f"#!/bin/sh\necho $$ > {marker}\nexec sleep 600\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    command = ("-c", f"alias.hang=!{script}", "hang")
    with pytest.raises(ProgramTimeoutError):
        await git.run(*command, timeout_s=1)
    await _until_gone(marker)
    marker.unlink()
    task = asyncio.create_task(git.run(*command))
    async with asyncio.timeout(10):
        while not (marker.exists() and marker.read_text().strip()):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_gone(marker)


async def _until_gone(marker: Path) -> None:
    """A process that was killed may still be ending when its output is over already."""
    async with asyncio.timeout(10):
        while _is_running(marker):  # noqa: ASYNC110 - another process ends when it ends
            await asyncio.sleep(0.01)


def _is_running(marker: Path) -> bool:
    try:
        state = Path(f"/proc/{int(marker.read_text())}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_names_with_newlines_and_tabs_are_parsed() -> None:
    raw = b":100644 100644 aaa bbb M\0a\nb\0:000000 100644 000 ccc A\0c\td\0"
    assert [(change.path, change.letter) for change in parse_raw_changes(raw)] == [("a\nb", "M"), ("c\td", "A")]
    assert parse_numstat(b"3\t1\ta\tb\0-\t-\tbinary\0") == [(3, 1), (0, 0)]
    assert names(b"") == parse_raw_changes(b"") == []
