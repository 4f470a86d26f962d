"""After a merge: the five states a person's base branch can be in, and what could be lost in each."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path

import pytest

from adw.kit.git import fast_forward_base, publish_branch


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "objects" not in path.parts
    }


async def _forward(person, remote, sha: str, **more: str):
    return await fast_forward_base(person.path, base="main", new_sha=sha, remote=remote.path, **more)


async def test_a_base_that_is_not_checked_out_moves_by_itself(person, remote, on_remote) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    person.git("checkout", "-q", "-b", "side")
    (person.path / "a.txt").write_text("in progress\n")
    assert (await _forward(person, remote, sha)).moved
    assert person.git("rev-parse", "main") == sha
    assert (person.path / "a.txt").read_text() == "in progress\n"


async def test_a_clean_checkout_is_fast_forwarded_with_its_files(person, remote, on_remote) -> None:
    sha = on_remote({"a.txt": "merged\n", "new.txt": "new\n"}, branch="main")
    (person.path / "unrelated").write_text("untracked and not in the way")
    assert (await _forward(person, remote, sha)).moved
    assert person.git("rev-parse", "HEAD") == sha
    assert (person.path / "new.txt").read_text() == "new\n"
    assert person.git("status", "--porcelain") == "?? unrelated"
    assert (await _forward(person, remote, sha)).moved


@pytest.mark.parametrize("staged", [False, True])
async def test_a_dirty_checkout_is_left_alone_and_the_command_is_told(person, remote, on_remote, staged) -> None:
    sha = on_remote({"b.txt": "merged\n"}, branch="main")
    (person.path / "a.txt").write_text("in progress\n")
    if staged:
        person.git("add", "a.txt")
    before = _files(person.path)
    update = await _forward(person, remote, sha)
    assert not update.moved
    assert "uncommitted changes in 1 tracked file" in (update.note or "")
    assert _files(person.path) == before
    person.git("stash", "-q")
    person.git(*shlex.split(update.command or "")[1:])
    assert person.git("rev-parse", "main") == sha


@pytest.mark.parametrize("name", ["new.txt", "ignored.log"])
async def test_untracked_and_ignored_files_in_the_way_are_never_overwritten(person, remote, on_remote, name) -> None:
    source = {name: "merged\n"} if name == "new.txt" else {".gitignore": "", name: "merged\n"}
    sha = on_remote(source, branch="main")
    (person.path / name).write_text("precious")
    before = _files(person.path)
    update = await _forward(person, remote, sha)
    assert (update.moved, bool(update.command)) == (False, True)
    assert (person.path / name).read_text() == "precious"
    assert {key: value for key, value in _files(person.path).items() if not key.startswith(".git/")} == {
        key: value for key, value in before.items() if not key.startswith(".git/")
    }
    assert person.git("rev-parse", "main") != sha


async def test_a_base_with_other_commits_is_left_alone(person, remote, on_remote) -> None:
    sha = on_remote({"b.txt": "merged\n"}, branch="main")
    mine = person.commit({"c.txt": "mine\n"})
    update = await _forward(person, remote, sha)
    assert not update.moved
    assert "not part of the merge" in (update.note or "")
    assert person.git("rev-parse", "main") == mine


async def test_a_base_that_is_ahead_is_fine(person, remote) -> None:
    old = person.git("rev-parse", "HEAD")
    person.commit({"c.txt": "mine\n"})
    assert (await _forward(person, remote, old)).moved


async def test_a_rebase_of_the_base_under_way_is_not_disturbed(person, remote, on_remote) -> None:
    sha = on_remote({"b.txt": "merged\n"}, branch="main")
    old = person.git("rev-parse", "main")
    person.git("-c", "sequence.editor=echo break >", "rebase", "-q", "-i", "--root")
    assert person.git("branch", "--show-current") == ""
    update = await _forward(person, remote, sha)
    assert (update.moved, "rebase-merge" in (update.note or "")) == (False, True)
    assert person.git("rev-parse", "main") == old


async def test_a_linked_worktree_on_the_base_is_found(person, remote, on_remote, root: Path) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    person.git("checkout", "-q", "-b", "side")
    person.git("worktree", "add", "-q", str(root / "linked"), "main")
    assert (await _forward(person, remote, sha)).moved
    assert (root / "linked" / "a.txt").read_text() == "merged\n"
    assert person.git("status", "--porcelain", at=root / "linked") == ""
    assert (person.path / "a.txt").read_text() == "one\n"


async def test_a_bare_repository_moves_by_itself(person, remote, on_remote, root: Path) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    person.git("clone", "-q", "--bare", str(person.path), str(root / "bare.git"))
    bare = type(person)(root / "bare.git")
    assert (await _forward(bare, remote, sha)).moved
    assert bare.git("rev-parse", "main") == sha


async def test_a_repository_kept_elsewhere_than_its_files_is_found(person, remote, on_remote, root: Path) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    person.git("clone", "-q", "--separate-git-dir", str(root / "kept"), str(person.path), str(root / "files"))
    files = type(person)(root / "files")
    assert (await _forward(files, remote, sha)).moved
    assert (root / "files" / "a.txt").read_text() == "merged\n"


async def test_files_that_need_a_filter_are_left_to_the_person(person, remote, on_remote) -> None:
    person.commit({".gitattributes": "*.bin filter=lfs\n"})
    sha = on_remote({"big.bin": "pointer"}, on=_pushed(person, remote))
    update = await _forward(person, remote, sha)
    assert (update.moved, "filter" in (update.note or "")) == (False, True)


async def test_hooks_of_the_person_do_not_run(person, remote, on_remote, root: Path) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    for name in ("post-merge", "reference-transaction", "post-checkout"):
        hook = person.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {root / 'ran'}\n")
        hook.chmod(0o755)
    assert (await _forward(person, remote, sha)).moved
    assert not (root / "ran").exists()


async def test_a_base_the_person_deleted_is_not_made_again(person, remote, on_remote) -> None:
    sha = on_remote({"a.txt": "merged\n"}, branch="main")
    person.git("branch", "-m", "main", "renamed")
    update = await _forward(person, remote, sha)
    assert (update.moved, "does not exist" in (update.note or "")) == (False, True)


def _pushed(person, remote) -> str:
    person.git("push", "-q", str(remote.path), "HEAD:refs/heads/with-attributes")
    return "with-attributes"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root leaves files that others cannot write")
async def test_as_root_nothing_is_left_that_the_person_cannot_write(person, remote, on_remote) -> None:
    sha = on_remote({"a.txt": "merged\n", "new/deep/file": "x"}, branch="main")
    for path in [person.path, *person.path.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert (await publish_branch(person.path, remote=remote.path, branch="work", sha=sha)).written
    assert (await _forward(person, remote, sha)).moved
    assert [path for path in person.path.rglob("*") if path.lstat().st_uid != 65534] == []
