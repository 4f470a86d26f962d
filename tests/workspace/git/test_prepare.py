from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from adw.kit.errors import ConflictError, UsageError
from adw.kit.git import GitCommandError, create_remote, sync_remote_base
from adw.workspace.git import GitWorkspaces


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


async def test_a_workspace_holds_the_base_on_its_own_branch(world) -> None:
    workspace = await world.workspaces.prepare(world.spec())
    assert _files(workspace.path) == _files(world.person.path)
    assert await workspace.head() == world.base
    assert await workspace.status() == ""
    assert world.person.git("status", "--short", "--branch", at=workspace.path) == "## work-0a1b2c3d"


async def test_preparing_again_leaves_the_files_as_they_are(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("half a thought")
    (workspace.path / "new.txt").write_text("new")
    again = await world.workspaces.open(world.spec())
    assert (again.path / "a.txt").read_text() == "half a thought"
    assert await again.status() == " M a.txt\n?? new.txt\n"


async def test_preparing_needs_no_remote_when_the_workspace_is_here(world, workspace) -> None:
    shutil.rmtree(world.ref.remote)
    shutil.rmtree(world.person.path)
    assert await (await world.workspaces.prepare(world.spec())).head() == world.base


async def test_a_lost_mirror_is_made_again_below_a_workspace_that_stays(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("kept")
    shutil.rmtree(world.mirror)
    again = await world.workspaces.prepare(world.spec())
    assert await again.status() == " M a.txt\n"
    assert world.person.git("log", "-1", "--format=%H", at=again.path) == world.base


async def test_thirty_at_once_on_one_repository_all_succeed(world) -> None:
    ids = [f"{number:08x}" for number in range(30)]
    made = await asyncio.gather(*(world.workspaces.prepare(world.spec(adw_id)) for adw_id in ids))
    assert {workspace.path.name for workspace in made} == set(ids)
    assert all(_files(workspace.path) == _files(world.person.path) for workspace in made)
    listed = world.person.git("worktree", "list", at=made[0].path).splitlines()
    assert len(listed) == 31
    assert [entry.name for entry in await world.workspaces.list()] == ids


async def test_one_workspace_prepared_by_several_at_once_is_one(world) -> None:
    others = [GitWorkspaces(world.data_dir) for _ in range(3)]
    made = await asyncio.gather(*(each.prepare(world.spec()) for each in [*others, *others]))
    assert len({workspace.path for workspace in made}) == 1
    assert await made[0].status() == ""


async def test_fetches_beside_preparing_and_removing_do_not_fail(world) -> None:
    other = GitWorkspaces(world.data_dir)

    async def come_and_go(number: int) -> None:
        spec = world.spec(f"{number:08x}")
        await world.workspaces.prepare(spec)
        await other.remove(spec.adw_id)

    async def fetch(number: int) -> None:
        sha = world.person.commit({"a.txt": f"{number}\n"})
        await other.prepare_detached(repository=world.ref, name=f"base-{number}", sha=sha)

    await asyncio.gather(*(come_and_go(n) for n in range(8)), *(fetch(n) for n in range(8)))
    assert len(await other.list()) == 8


async def test_a_bare_source_and_a_branch_with_slashes_and_accents(world, root: Path) -> None:
    world.person.git("clone", "-q", "--bare", str(world.person.path), str(root / "bare.git"))
    spec = world.spec(repository=replace(world.ref, source=root / "bare.git"), branch="feature/ümlaut+x")
    workspace = await world.workspaces.prepare(spec)
    (workspace.path / "a.txt").write_text("changed")
    sha = await workspace.commit_all(message="Change a")
    await workspace.push(expected_old=None)
    assert world.remote.git("rev-parse", "refs/heads/feature/ümlaut+x") == sha


async def test_a_shallow_clone_is_a_source(world, root: Path) -> None:
    world.person.commit({"a.txt": "second\n"})
    world.person.git("clone", "-q", "--depth=1", f"file://{world.person.path}", str(root / "shallow"))
    sha = world.person.git("rev-parse", "HEAD")
    remote = root / "shallow-remote.git"
    await create_remote(remote)
    await sync_remote_base(remote, source=root / "shallow", base="main", sha=sha)
    ref = replace(world.ref, project_id="thin", source=root / "shallow", remote=remote)
    workspace = await world.workspaces.prepare(world.spec(repository=ref, base_sha=sha))
    (workspace.path / "new.txt").write_text("new")
    await workspace.commit_all(message="Add")
    assert (await workspace.push(expected_old=None)).moved


async def test_a_repository_with_long_hashes_works(world, root: Path) -> None:
    folder = root / "modern"
    folder.mkdir()
    world.person.git("init", "-q", "-b", "main", "--object-format=sha256", at=folder)
    world.person.git("commit", "-q", "--allow-empty", "-m", "First", at=folder)
    sha = world.person.git("rev-parse", "HEAD", at=folder)
    await create_remote(root / "modern-remote.git", like=sha)
    ref = replace(world.ref, project_id="modern", source=folder, remote=root / "modern-remote.git")
    workspace = await world.workspaces.prepare(world.spec(repository=ref, base_sha=sha))
    (workspace.path / "new.txt").write_text("new")
    assert len(await workspace.commit_all(message="Add") or "") == 64
    assert (await workspace.push(expected_old=None)).moved


async def test_a_detached_workspace_stands_at_its_commit_and_cannot_commit(world) -> None:
    workspace = await world.workspaces.prepare_detached(repository=world.ref, name="baseline-1", sha=world.base)
    assert world.person.git("rev-parse", "--abbrev-ref", "HEAD", at=workspace.path) == "HEAD"
    assert await workspace.head() == world.base
    (workspace.path / "new.txt").write_text("new")
    with pytest.raises(UsageError, match="no branch"):
        await workspace.commit_all(message="No")
    assert await world.workspaces.remove("baseline-1")
    assert not workspace.path.exists()


async def test_a_detached_workspace_follows_when_asked_for_another_commit(world) -> None:
    sha = world.person.commit({"a.txt": "second\n"})
    for commit, text in ((world.base, "one\n"), (sha, "second\n"), (world.base, "one\n")):
        workspace = await world.workspaces.prepare_detached(repository=world.ref, name="baseline", sha=commit)
        assert (workspace.path / "a.txt").read_text() == text
        assert (await workspace.head(), await workspace.status()) == (commit, "")


async def test_two_projects_cannot_have_a_workspace_of_one_name(world, workspace) -> None:
    with pytest.raises(ConflictError, match="belongs to the project shop"):
        await world.workspaces.prepare(world.spec(repository=replace(world.ref, project_id="other")))


async def test_a_commit_nobody_has_is_a_git_error(world) -> None:
    with pytest.raises(GitCommandError):
        await world.workspaces.prepare(world.spec(base_sha="1" * 40))


@pytest.mark.parametrize("branch", ["", "a b", "a..b", "x\nupdate refs/heads/main", "-", "a.lock", "~"])
async def test_names_that_are_no_branch_are_refused(world, branch: str) -> None:
    if branch == "-":
        await world.workspaces.prepare(world.spec(branch=branch))
        return
    with pytest.raises(UsageError):
        await world.workspaces.prepare(world.spec(branch=branch))


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "x.lock", "a..b", "-x"])
async def test_names_that_would_leave_the_data_directory_are_refused(world, name: str) -> None:
    with pytest.raises(UsageError):
        await world.workspaces.prepare(world.spec(name))


_CHILD = """
import asyncio, sys
from pathlib import Path
from adw.ports.workspace import RepositoryRef, WorkspaceSpec
from adw.workspace.git import GitWorkspaces
data, source, remote, base = sys.argv[1:]
ref = RepositoryRef(project_id="shop", source=Path(source), remote=Path(remote))
spec = WorkspaceSpec(adw_id="0a1b2c3d", repository=ref, branch="work-0a1b2c3d", base_sha=base)
print("ready", flush=True)
asyncio.run(GitWorkspaces(Path(data)).prepare(spec))
print("done", flush=True)
"""


@pytest.mark.parametrize("delay_ms", [8, 25, 45, 70])
async def test_kill_nine_in_the_middle_of_preparing_loses_nothing(world, delay_ms: int) -> None:
    world.person.commit({f"many/{number}.txt": "x" * number for number in range(300)})
    base = world.person.git("rev-parse", "HEAD")
    arguments = (str(world.data_dir), str(world.person.path), str(world.ref.remote), base)
    _start_and_kill(arguments, after_s=delay_ms / 1000)
    fresh = GitWorkspaces(world.data_dir)
    await fresh.reconcile()
    workspace = await fresh.prepare(world.spec(base_sha=base))
    assert _files(workspace.path) == _files(world.person.path)
    assert await workspace.status() == ""
    assert world.person.git("status", "--porcelain", at=workspace.path) == ""


async def test_cancelling_leaves_nothing_that_hinders_the_next_attempt(world) -> None:
    task = asyncio.create_task(world.workspaces.prepare(world.spec()))
    async with asyncio.timeout(10):
        while not world.mirror.exists():  # noqa: ASYNC110 - git makes it
            await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await (await world.workspaces.prepare(world.spec())).status() == ""


def _start_and_kill(arguments: tuple[str, ...], *, after_s: float) -> None:
    child = subprocess.Popen([sys.executable, "-c", _CHILD, *arguments], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    time.sleep(after_s)  # the instant of the kill is what varies, not something waited for
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
