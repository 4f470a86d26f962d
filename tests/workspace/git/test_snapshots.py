from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from adw.kit.errors import GitError
from adw.workspace.git import reconcile


def _files(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file()) and ".git" not in path.relative_to(folder).parts
    }


def _work(folder: Path) -> None:
    (folder / "a.txt").write_text("half done\n")
    (folder / "docs" / "b.txt").unlink()
    (folder / "new dir").mkdir()
    (folder / "new dir" / "nü\n").write_bytes(b"\0binary")
    (folder / "link").symlink_to("a.txt")
    (folder / "tool.sh").write_text("#!/bin/sh\n")
    (folder / "tool.sh").chmod(0o755)


async def test_a_snapshot_touches_neither_files_nor_index_nor_head(world, workspace) -> None:
    _work(workspace.path)
    world.person.git("add", "a.txt", at=workspace.path)
    before = world.person.git("status", "--porcelain", at=workspace.path), _files(workspace.path)
    sha = await workspace.snapshot(label="turn 3")
    assert (world.person.git("status", "--porcelain", at=workspace.path), _files(workspace.path)) == before
    assert await workspace.head() == world.base
    assert world.remote.git("rev-parse", "refs/adw/0a1b2c3d/wip") == sha
    assert world.remote.git("log", "-1", "--format=%s", sha) == "turn 3"


async def test_an_unchanged_tree_is_not_snapshotted_again(world, workspace) -> None:
    assert await workspace.snapshot(label="clean") == world.base
    _work(workspace.path)
    first = await workspace.snapshot(label="1")
    assert await workspace.snapshot(label="2") == first
    (workspace.path / "a.txt").write_text("further\n")
    assert await workspace.snapshot(label="3") != first


async def test_going_back_to_clean_is_a_snapshot_too(world, workspace) -> None:
    (workspace.path / "new").write_text("x")
    await workspace.snapshot(label="1")
    (workspace.path / "new").unlink()
    await workspace.snapshot(label="2")
    rebuilt = await world.elsewhere().prepare(world.spec())
    assert await rebuilt.status() == ""


async def test_a_workspace_is_rebuilt_on_another_host_with_its_untracked_files(world, workspace) -> None:
    _work(workspace.path)
    (workspace.path / "debug.log").write_text("ignored")
    (workspace.path / ".ports.env").write_text("ours")
    await workspace.snapshot(label="turn")
    rebuilt = await world.elsewhere().prepare(world.spec())
    expected = {name: text for name, text in _files(workspace.path).items() if name not in {"debug.log", ".ports.env"}}
    assert _files(rebuilt.path) == expected
    assert os.access(rebuilt.path / "tool.sh", os.X_OK)
    assert await rebuilt.status() == await workspace.status()
    assert await rebuilt.head() == world.base


async def test_a_workspace_is_rebuilt_from_the_pushed_head_and_the_snapshot_on_top(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("committed\n")
    await workspace.snapshot(label="before the commit")
    head = await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    assert await (await world.elsewhere("b").prepare(world.spec())).status() == ""
    (workspace.path / "new").write_text("after the commit")
    await workspace.snapshot(label="after the commit")
    rebuilt = await world.elsewhere("c").prepare(world.spec())
    assert (await rebuilt.head(), await rebuilt.status()) == (head, "?? new\n")


async def test_a_deleted_working_tree_comes_back_on_the_same_host(world, workspace) -> None:
    _work(workspace.path)
    await workspace.snapshot(label="turn")
    before = _files(workspace.path)
    shutil.rmtree(workspace.path)
    assert _files((await world.workspaces.prepare(world.spec())).path) == before


async def test_a_commit_that_was_not_pushed_survives_the_working_tree(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    sha = await workspace.commit_all(message="1")
    shutil.rmtree(workspace.path)
    assert await (await world.workspaces.prepare(world.spec())).head() == sha


async def test_a_remote_that_went_another_way_wins_and_our_commit_is_set_aside(world, workspace, root: Path) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    ours = await workspace.commit_all(message="1")
    theirs = world.person.commit({"a.txt": "theirs\n"})
    world.person.git("push", "-q", str(world.ref.remote), "HEAD:refs/heads/work-0a1b2c3d")
    shutil.rmtree(workspace.path)
    assert await (await world.workspaces.prepare(world.spec())).head() == theirs
    assert world.person.git("--git-dir", str(world.mirror), "for-each-ref", "refs/adw/0a1b2c3d/aside-*").startswith(
        str(ours)
    )


async def test_restore_brings_a_snapshot_back_and_keeps_head_and_ignored_files(world, workspace) -> None:
    _work(workspace.path)
    sha = await workspace.snapshot(label="turn")
    before = _files(workspace.path)
    (workspace.path / "a.txt").write_text("went wrong\n")
    (workspace.path / "later").mkdir()
    (workspace.path / "later" / "file").write_text("x")
    (workspace.path / "link").unlink()
    (workspace.path / "link").mkdir()
    (workspace.path / ".venv").mkdir()
    (workspace.path / ".venv" / "python").write_text("ignored")
    await workspace.restore(sha)
    assert _files(workspace.path) == {**before, ".venv/python": b"ignored"}
    assert await workspace.head() == world.base
    assert world.person.git("diff", "--cached", "--name-only", at=workspace.path) == ""


async def test_reset_goes_back_to_a_commit_and_keeps_ignored_and_private_files(world) -> None:
    workspace = await world.workspaces.prepare(world.spec(private=(".env",)))
    _work(workspace.path)
    await workspace.commit_all(message="1")
    (workspace.path / "untracked").write_text("x")
    (workspace.path / "node_modules").mkdir()
    (workspace.path / ".venv").mkdir()
    (workspace.path / ".venv" / "python").write_text("ignored")
    for name in (".env", ".ports.env", "x.log"):
        (workspace.path / name).write_text("kept")
    await workspace.reset(world.base)
    kept = dict.fromkeys((".env", ".ports.env", "x.log"), b"kept") | {".venv/python": b"ignored"}
    assert _files(workspace.path) == _files(world.person.path) | kept
    assert (await workspace.head(), await workspace.status()) == (world.base, "")
    assert world.person.git("rev-parse", "HEAD", at=workspace.path) == world.base


async def test_a_repository_made_by_a_scaffolding_tool_counts_as_files(world, workspace) -> None:
    web = workspace.path / "web"
    (web / "src" / "deep").mkdir(parents=True)
    world.person.git("init", "-q", at=web)
    (web / "src" / "deep" / "app.ts").write_text("x")
    (web / "src" / "link").symlink_to("deep")
    (web / "debug.log").write_text("ignored by the top folder")
    (web / ".gitignore").write_text("dist/\n")
    (web / "dist").mkdir()
    (web / "dist" / "out.js").write_text("ignored by its own")
    assert await workspace.status() == "?? web/.gitignore\n?? web/src/deep/app.ts\n?? web/src/link\n"
    sha = await workspace.commit_all(message="Scaffold")
    assert await workspace.read_committed(path="web/src/deep/app.ts", ref=str(sha)) == b"x"
    (web / "src" / "deep" / "app.ts").write_text("y")
    assert await workspace.status() == " M web/src/deep/app.ts\n"
    await workspace.reset(world.base)
    assert not (web / "src").exists()
    assert (web / "dist" / "out.js").exists()


async def test_a_workspace_that_vanished_is_an_error_that_says_what_to_do(workspace) -> None:
    shutil.rmtree(workspace.path)
    with pytest.raises(GitError) as raised:
        await workspace.status()
    assert "made again" in (raised.value.hint or "")


async def test_removal_keeps_uncommitted_work_on_this_host(world, workspace) -> None:
    _work(workspace.path)
    before = _files(workspace.path)
    assert await world.workspaces.remove("0a1b2c3d")
    assert not await world.workspaces.remove("0a1b2c3d")
    assert await world.workspaces.list() == []
    assert _files((await world.workspaces.prepare(world.spec())).path) == before


async def test_removal_brings_uncommitted_work_to_the_remote_first(world, workspace) -> None:
    (workspace.path / "only-copy.txt").write_text("precious\n")
    assert await world.workspaces.remove("0a1b2c3d")
    assert world.remote.git("show", "refs/adw/0a1b2c3d/wip:only-copy.txt").strip() == "precious"


async def test_a_tree_left_behind_never_replaces_a_snapshot_made_elsewhere(world, workspace) -> None:
    (workspace.path / "mine.txt").write_text("old\n")
    newer = world.remote.git("commit-tree", "-m", "elsewhere", f"{world.base}^{{tree}}")
    world.remote.git("update-ref", "refs/adw/0a1b2c3d/wip", newer)
    assert await world.workspaces.remove("0a1b2c3d")
    assert world.remote.git("rev-parse", "refs/adw/0a1b2c3d/wip") == newer
    assert await workspace.read_committed(path="mine.txt", ref="refs/adw/0a1b2c3d/saved") == b"old\n"


async def test_reconciling_empties_the_trash_even_of_folders_without_write_permission(world, workspace) -> None:
    (workspace.path / "locked").mkdir()
    (workspace.path / "locked" / "file").write_text("x")
    (workspace.path / "locked").chmod(0o500)
    await world.workspaces.remove("0a1b2c3d")
    assert await world.workspaces.reconcile()
    assert list((world.data_dir / "trees" / ".trash").iterdir()) == []
    assert await world.workspaces.reconcile() == []


@pytest.mark.parametrize("head", ["0" * 40 + "\n", "1" * 40 + "\n", "", "nonsense\n"])
async def test_a_half_made_worktree_of_another_git_is_cleared(world, workspace, head: str) -> None:
    dead = world.mirror / "worktrees" / "dead"
    dead.mkdir()
    (dead / "HEAD").write_text(head)
    (dead / "commondir").write_text("../..\n")
    (dead / "gitdir").write_text("/nowhere/.git\n")
    (dead / "locked").write_text("initializing")
    sha = world.person.commit({"a.txt": "2\n"})
    await world.workspaces.prepare_detached(repository=world.ref, name="next", sha=sha)
    await world.workspaces.reconcile()
    assert not dead.exists()
    assert (world.mirror / "worktrees" / "0a1b2c3d").exists()


async def test_reconciling_removes_half_made_trees_and_forgotten_index_files(world, workspace) -> None:
    half = world.data_dir / "trees" / ".new" / "0a1b2c3d"
    half.mkdir(parents=True)
    (half / "some file").touch()
    stale = world.data_dir / "repos" / "shop" / "workspaces" / "0a1b2c3d" / "index.draft-1"
    stale.touch()
    os.utime(stale, (time.time() - 9999, time.time() - 9999))
    assert any("half-made" in line for line in await world.workspaces.reconcile())
    assert not half.exists()
    assert not stale.exists()


async def test_forgetting_removes_hidden_refs_everywhere_and_keeps_the_branch(world, workspace) -> None:
    _work(workspace.path)
    await workspace.snapshot(label="turn")
    sha = await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    await workspace.keep(label="attempt-1", sha=str(sha))
    await world.workspaces.forget(world.spec())
    await world.workspaces.forget(world.spec())
    assert world.remote.git("for-each-ref", "refs/adw/0a1b2c3d/") == ""
    assert world.remote.git("rev-parse", "work-0a1b2c3d") == sha
    assert not workspace.path.exists()
    assert await (await world.workspaces.prepare(world.spec())).head() == sha


async def test_a_workspace_whose_mirror_is_gone_can_be_removed(world, workspace) -> None:
    shutil.rmtree(world.mirror)
    assert await world.workspaces.remove("0a1b2c3d")
    assert not workspace.path.exists()


async def test_a_mirror_with_many_loose_objects_is_packed_and_unreferenced_work_kept(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    lost = await workspace.commit_all(message="1")
    await workspace.reset(world.base)
    assert await reconcile.pack(workspace.place) == []
    assert "packed" in (await reconcile.pack(workspace.place, many=1))[0]
    assert await workspace.read_committed(path="a.txt", ref=str(lost)) == b"1\n"
    assert await workspace.status() == ""
