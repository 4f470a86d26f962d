"""An agent can write anything in its workspace and, without a sandbox, in the mirror. None of it may run in our git."""

from __future__ import annotations

import contextlib
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from adw.workspace.git import GitWorkspace

HOOKS = (
    "pre-commit",
    "post-commit",
    "pre-push",
    "post-checkout",
    "reference-transaction",
    "post-index-change",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
    "proc-receive",
    "post-merge",
)
SETTINGS = (
    "core.fsmonitor",
    "diff.external",
    "core.pager",
    "core.sshCommand",
    "core.askPass",
    "uploadpack.packObjectsHook",
)


@pytest.fixture
def trap(root: Path) -> Path:
    """A program that leaves a mark when it runs."""
    return _program(root / "trap", f"touch {root / 'sprung'}; cat 2>/dev/null; exit 0")


@pytest.fixture
def sprung(root: Path) -> Callable[[], bool]:
    return (root / "sprung").exists


async def _everything(world, workspace: GitWorkspace) -> None:
    """All we ever do with a workspace."""
    await workspace.status()
    await workspace.diff(base=world.base)
    await workspace.diff_stat(base=world.base)
    await workspace.snapshot(label="turn")
    (workspace.path / "a.txt").write_text("changed\n")
    first = await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    await workspace.keep(label="attempt-1", sha=str(first))
    await workspace.adopt_remote(message="x")
    await workspace.status()
    await workspace.reset(world.base)
    await workspace.restore(str(first))
    await world.workspaces.open(world.spec())
    await workspace.read_committed(path="a.txt", ref=str(first))
    sha = world.person.commit({"late.txt": "x\n"})
    await world.workspaces.prepare_detached(repository=world.ref, name="late", sha=sha)
    await world.workspaces.reconcile()
    await world.workspaces.remove("0a1b2c3d")


def _plant_settings(folder: Path, trap: Path) -> None:
    """A repository's configuration and hooks that run the trap wherever git lets them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        _program(folder / "hooks" / name, f"exec {trap}")
    text = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    text += "".join("[{}]\n\t{} = {}\n".format(*name.split("."), trap) for name in SETTINGS)
    text += f"[core]\n\thooksPath = {folder / 'hooks'}\n\tuntrackedCache = true\n"
    text += f'[filter "evil"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\trequired = true\n'
    text += f'[diff "evil"]\n\ttextconv = {trap}\n\tcommand = {trap}\n[merge "evil"]\n\tdriver = {trap}\n'
    text += f"[credential]\n\thelper = !{trap}\n[gpg]\n\tprogram = {trap}\n[commit]\n\tgpgSign = true\n"
    text += f"[alias]\n\tstatus = !{trap}\n[submodule]\n\trecurse = true\n[receive]\n\tprocReceiveRefs = refs\n"
    (folder / "config").write_text(text)


def _program(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _git_file_becomes_a_repository(world, workspace: GitWorkspace, trap: Path) -> None:
    (workspace.path / ".git").unlink()
    world.person.git("init", "-q", at=workspace.path)
    _plant_settings(workspace.path / ".git", trap)


def _git_file_points_elsewhere(world, workspace: GitWorkspace, trap: Path) -> None:
    world.person.git("init", "-q", "--bare", str(world.root / "evil.git"), at=world.root)
    _plant_settings(world.root / "evil.git", trap)
    (workspace.path / ".git").write_text(f"gitdir: {world.root / 'evil.git'}\n")


def _git_file_becomes_a_link(world, workspace: GitWorkspace, trap: Path) -> None:
    _git_file_points_elsewhere(world, workspace, trap)
    (workspace.path / ".git").unlink()
    (workspace.path / ".git").symlink_to(world.root / "evil.git")


def _registration_points_elsewhere(world, workspace: GitWorkspace, trap: Path) -> None:
    _git_file_points_elsewhere(world, workspace, trap)
    for name in ("commondir", "gitdir"):
        (workspace.place.registration / name).write_text(f"{world.root / 'evil.git'}\n")
    _plant_settings(workspace.place.registration, trap)
    (workspace.place.registration / "config").rename(workspace.place.registration / "config.worktree")


def _registration_becomes_a_link(world, workspace: GitWorkspace, trap: Path) -> None:
    _registration_points_elsewhere(world, workspace, trap)
    workspace.place.registration.rename(world.root / "moved")
    workspace.place.registration.symlink_to(world.root / "moved")


def _settings_of_the_mirror(world, workspace: GitWorkspace, trap: Path) -> None:
    _plant_settings(world.mirror, trap)
    with (world.mirror / "config").open("a") as file:
        file.write("[extensions]\n\tworktreeConfig = true\n")
    (world.mirror / "config.worktree").write_text((world.mirror / "config").read_text())
    (world.mirror / "info" / "attributes").write_text("* filter=evil diff=evil merge=evil\n")


def _settings_of_our_remote(world, workspace: GitWorkspace, trap: Path) -> None:
    _plant_settings(Path(world.ref.remote), trap)
    with (Path(world.ref.remote) / "config").open("a") as file:
        file.write("[core]\n\tbare = true\n")


def _attributes_that_ask_for_programs(world, workspace: GitWorkspace, trap: Path) -> None:
    _settings_of_the_mirror(world, workspace, trap)
    (workspace.path / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")


def _a_nested_repository(world, workspace: GitWorkspace, trap: Path) -> None:
    nested = workspace.path / "vendor" / "lib"
    nested.mkdir(parents=True)
    world.person.git("init", "-q", at=nested)
    (nested / "code.c").write_text("x")
    world.person.git("add", "-A", at=nested)
    world.person.git("commit", "-qm", "x", at=nested)
    world.person.git("add", "vendor/lib", at=workspace.path)
    _plant_settings(nested / ".git", trap)


def _a_submodule(world, workspace: GitWorkspace, trap: Path) -> None:
    _a_nested_repository(world, workspace, trap)
    (workspace.path / ".gitmodules").write_text(
        f'[submodule "lib"]\n\tpath = vendor/lib\n\turl = ext::{trap}\n\tupdate = !{trap}\n\tignore = none\n'
    )


ATTACKS = [
    _git_file_becomes_a_repository,
    _git_file_points_elsewhere,
    _git_file_becomes_a_link,
    _registration_points_elsewhere,
    _registration_becomes_a_link,
    _settings_of_the_mirror,
    _settings_of_our_remote,
    _attributes_that_ask_for_programs,
    _a_nested_repository,
    _a_submodule,
]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_an_agent_plants_runs(
    world, workspace, trap: Path, sprung: Callable[[], bool], attack: Callable[..., None]
) -> None:
    attack(world, workspace, trap)
    await _everything(world, workspace)
    assert not sprung()


@pytest.mark.parametrize("attack", ATTACKS[:2])
async def test_the_same_traps_do_catch_a_git_that_trusts(
    world, workspace, trap: Path, sprung: Callable[[], bool], attack: Callable[..., None]
) -> None:
    attack(world, workspace, trap)
    with contextlib.suppress(subprocess.CalledProcessError):
        world.person.git("--work-tree=.", "status", at=workspace.path)
    assert sprung()


async def test_a_nested_repository_does_catch_a_git_that_trusts(world, workspace, trap, sprung) -> None:
    _a_nested_repository(world, workspace, trap)
    with contextlib.suppress(subprocess.CalledProcessError):
        world.person.git("status", at=workspace.path)
    assert sprung()


@pytest.mark.parametrize("attack", ATTACKS[:5])
async def test_a_broken_link_to_the_mirror_is_written_again(world, workspace, trap: Path, attack: Callable) -> None:
    attack(world, workspace, trap)
    await world.workspaces.open(world.spec())
    assert world.person.git("rev-parse", "--git-common-dir", at=workspace.path) == str(world.mirror)
    assert world.person.git("status", "-sb", at=workspace.path) == "## work-0a1b2c3d"


async def test_a_submodule_of_the_project_stays_at_its_commit(world) -> None:
    library = type(world.person)(world.root / "library")
    library.path.mkdir()
    library.git("init", "-q", "-b", "main")
    pinned = library.commit({"code.c": "1"})
    world.person.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.path), "lib")
    base = world.person.commit({})
    workspace = await world.workspaces.prepare(world.spec(base_sha=base))
    assert await workspace.status() == ""
    world.person.git("-c", "protocol.file.allow=always", "clone", "-q", str(library.path), "lib", at=workspace.path)
    type(world.person)(workspace.path / "lib").commit({"code.c": "2"})
    (workspace.path / "a.txt").write_text("changed\n")
    sha = await workspace.commit_all(message="x")
    assert f"160000 commit {pinned}" in world.person.git("ls-tree", str(sha), "lib", at=workspace.path)


@pytest.mark.parametrize("escape", ["absolute", "upwards"])
async def test_links_are_stored_as_links_and_never_followed(world, workspace, escape: str) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    target = outside if escape == "absolute" else Path("../../../outside")
    (workspace.path / "out").symlink_to(target)
    (workspace.path / "secret").symlink_to(target / "secret")
    sha = await workspace.commit_all(message="Links")
    assert await workspace.read_committed(path="secret", ref=str(sha)) == str(target / "secret").encode()
    assert await workspace.read_committed(path="out/secret", ref=str(sha)) is None
    await workspace.reset(world.base)
    assert (outside / "secret").read_text() == "secret"


async def test_a_folder_replaced_by_a_link_is_not_written_through(world, workspace) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "b.txt").write_text("theirs")
    shutil.rmtree(workspace.path / "docs")
    (workspace.path / "docs").symlink_to(outside)
    await workspace.snapshot(label="turn")
    await workspace.reset(world.base)
    assert (outside / "b.txt").read_text() == "theirs"
    assert (workspace.path / "docs" / "b.txt").read_text() == "two\n"
    assert not (workspace.path / "docs").is_symlink()


async def test_a_workspace_replaced_by_a_link_is_made_again_and_the_target_is_untouched(world, workspace) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    (outside / "mine").write_text("x")
    shutil.rmtree(workspace.path)
    workspace.path.symlink_to(outside)
    again = await world.workspaces.prepare(world.spec())
    assert not again.path.is_symlink()
    assert [path.name for path in outside.iterdir()] == ["mine"]


async def test_replaced_objects_do_not_change_what_we_see(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("evil\n")
    sha = await workspace.commit_all(message="x")
    world.person.git("replace", str(sha), world.base, at=workspace.path)
    assert [change.path for change in await workspace.changed_files(since=world.base, until=sha)] == ["a.txt"]


async def test_removed_settings_of_the_mirror_come_back(world, workspace) -> None:
    (world.mirror / "config").unlink()
    (world.mirror / "info" / "exclude").unlink()
    again = await world.workspaces.open(world.spec())
    (again.path / ".ports.env").write_text("x")
    assert await again.status() == ""
    assert world.person.git("status", "--porcelain", at=again.path) == ""
