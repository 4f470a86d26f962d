from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from adw.kit.errors import ConflictError, NotFoundError
from adw.kit.git import GitCommandError, Identity
from adw.ports.workspace import Change, ChangedFile, DiffStat
from adw.workspace.git import GitWorkspaces

ODD_NAMES = ["with space", "new\nline", "-rf", "ümläut-日本", 'quo"te', "tab\there", ":(top)magic", "*", "back\\slash"]


async def test_everything_is_committed_by_the_orchestrator(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("changed\n")
    (workspace.path / "docs" / "b.txt").unlink()
    (workspace.path / "src").mkdir()
    (workspace.path / "src" / "new.py").write_text("print()\n")
    (workspace.path / "debug.log").write_text("ignored")
    sha = await workspace.commit_all(message="Fix the thing\n\nBecause.")
    assert sha == await workspace.head()
    assert await workspace.changed_files(since=world.base, until=sha) == [
        ChangedFile(path="a.txt", status=Change.MODIFIED),
        ChangedFile(path="docs/b.txt", status=Change.DELETED),
        ChangedFile(path="src/new.py", status=Change.ADDED),
    ]
    shown = world.person.git("log", "-1", "--format=%an <%ae>|%cn|%B", at=workspace.path)
    assert shown.startswith("ADW Orchestrator <adw-orchestrator@")
    assert shown.endswith("|ADW Orchestrator|Fix the thing\n\nBecause.")
    assert world.person.git("status", "--porcelain", at=workspace.path) == ""


async def test_who_commits_is_configurable(world) -> None:
    ours = GitWorkspaces(world.data_dir, identity=Identity(name="Ünser Bot", email="bot@example.com"))
    workspace = await ours.prepare(world.spec())
    (workspace.path / "a.txt").write_text("changed\n")
    await workspace.commit_all(message="x")
    assert world.person.git("log", "-1", "--format=%an %ae %cn %ce", at=workspace.path) == (
        "Ünser Bot bot@example.com Ünser Bot bot@example.com"
    )


async def test_nothing_changed_is_no_commit(workspace) -> None:
    (workspace.path / "a.txt").touch()
    assert await workspace.commit_all(message="Nothing") is None


async def test_two_commits_follow_each_other(world, workspace) -> None:
    for number in (1, 2):
        (workspace.path / f"{number}").write_text("x")
        assert await workspace.commit_all(message=f"Add {number}")
    log = world.person.git("log", "--format=%s", "work-0a1b2c3d", at=workspace.path)
    assert log.splitlines() == ["Add 2", "Add 1", "First"]


async def test_a_repeated_step_finds_the_commit_of_the_first_run(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("changed\n")
    first = await workspace.commit_all(message="Change", since=world.base)
    assert await workspace.commit_all(message="Change", since=world.base) == first
    assert await workspace.commit_all(message="Change", since=first) is None


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_file_names_survive(workspace, name: str) -> None:
    (workspace.path / name).write_text("content")
    assert await workspace.changed_files(since=await workspace.head()) == [ChangedFile(path=name, status=Change.ADDED)]
    sha = await workspace.commit_all(message="Add")
    assert sha is not None
    assert await workspace.read_committed(path=name, ref=sha) == b"content"


async def test_names_that_are_not_unicode_survive(workspace) -> None:
    (workspace.path / "\udce9t").write_text("latin")
    assert (await workspace.changed_files(since=await workspace.head()))[0].path == "\udce9t"
    assert (await workspace.status()).encode() == b"?? ?t\n"
    sha = await workspace.commit_all(message="Add")
    assert await workspace.read_committed(path="\udce9t", ref=sha or "") == b"latin"


async def test_files_that_turn_into_folders_links_or_pipes_are_followed(world, workspace) -> None:
    (workspace.path / "tool").write_text("x")
    await workspace.commit_all(message="Add tool")
    (workspace.path / "a.txt").unlink()
    (workspace.path / "a.txt").mkdir()
    (workspace.path / "a.txt" / "inner").write_text("x")
    (workspace.path / "docs" / "b.txt").unlink()
    (workspace.path / "docs").rmdir()
    (workspace.path / "docs").symlink_to("a.txt")
    (workspace.path / "tool").unlink()
    os.mkfifo(workspace.path / "tool")
    before = await workspace.head()
    sha = await workspace.commit_all(message="Turn")
    changes = {change.path: change.status for change in await workspace.changed_files(since=before, until=sha)}
    assert changes == {
        "tool": Change.DELETED,
        "a.txt": Change.DELETED,
        "a.txt/inner": Change.ADDED,
        "docs": Change.ADDED,
        "docs/b.txt": Change.DELETED,
    }


async def test_a_change_in_the_same_instant_and_of_the_same_size_is_seen(world) -> None:
    for number in range(6):
        workspace = await world.workspaces.prepare(world.spec(f"{number:08x}"))
        (workspace.path / "a.txt").write_text("two\n")
        assert await workspace.status() == " M a.txt\n"
        assert await workspace.commit_all(message="x")
        (workspace.path / "a.txt").write_text("six\n")
        assert await workspace.status() == " M a.txt\n"
        assert world.person.git("status", "--porcelain", at=workspace.path) == " M a.txt"


async def test_executable_bits_are_changes(world, workspace) -> None:
    (workspace.path / "a.txt").chmod(0o755)
    assert await workspace.status() == " M a.txt\n"


async def test_private_and_own_files_are_never_committed(world) -> None:
    workspace = await world.workspaces.prepare(world.spec(private=(".env", "config/*.local.json")))
    for name in (".env", ".ports.env", "config/x.local.json", "config/public.json"):
        (workspace.path / name).parent.mkdir(exist_ok=True)
        (workspace.path / name).write_text("SECRET=1")
    assert await workspace.status() == "?? config/public.json\n"
    world.person.git("add", "-f", ".env", ".ports.env", at=workspace.path)
    world.person.git("commit", "-qm", "An agent commits a secret", at=workspace.path)
    sha = await workspace.commit_all(message="Add")
    assert await workspace.changed_files(since=world.base, until=sha) == [
        ChangedFile(path="config/public.json", status=Change.ADDED)
    ]
    assert world.person.git("rev-list", "--count", f"{world.base}..{sha}", at=workspace.path) == "1"


async def test_a_caller_can_leave_files_out_of_one_commit(workspace) -> None:
    (workspace.path / "plan.md").write_text("x")
    (workspace.path / "notes.tmp").write_text("x")
    assert await workspace.commit_all(message="Plan", exclude=["*.tmp"])
    assert await workspace.status() == "?? notes.tmp\n"


async def test_commits_an_agent_made_are_folded_into_ours(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("first\n")
    world.person.git("commit", "-qam", "By the agent", at=workspace.path)
    (workspace.path / "a.txt").write_text("second\n")
    assert await workspace.head() == world.base
    assert await workspace.status() == " M a.txt\n"
    sha = await workspace.commit_all(message="Ours")
    assert world.person.git("log", "--format=%s", str(sha), at=workspace.path).splitlines() == ["Ours", "First"]


async def test_an_agent_that_rewrites_history_changes_nothing_but_files(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("pushed\n")
    pushed = await workspace.commit_all(message="Pushed")
    await workspace.push(expected_old=None)
    world.person.git("reset", "-q", "--hard", world.base, at=workspace.path)
    world.person.git("checkout", "-q", "-b", "elsewhere", at=workspace.path)
    (workspace.path / "a.txt").write_text("after\n")
    world.person.git("commit", "-qam", "Elsewhere", at=workspace.path)
    sha = await workspace.commit_all(message="Ours")
    assert world.person.git("rev-parse", f"{sha}^", at=workspace.path) == pushed
    assert world.person.git("status", "-sb", at=workspace.path) == "## work-0a1b2c3d"
    assert (await workspace.push(expected_old=pushed)).sha == sha


async def test_what_an_agent_hides_in_its_index_is_seen(workspace, world) -> None:
    (workspace.path / "a.txt").write_text("hidden\n")
    world.person.git("update-index", "--assume-unchanged", "a.txt", at=workspace.path)
    world.person.git("update-index", "--skip-worktree", "docs/b.txt", at=workspace.path)
    (workspace.path / "docs" / "b.txt").write_text("hidden too\n")
    (world.mirror / "info" / "exclude").write_text("*\n")
    (workspace.path / "new").write_text("x")
    assert await workspace.status() == " M a.txt\n M docs/b.txt\n?? new\n"


async def test_a_persons_commits_are_kept_when_asked(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("by hand\n")
    world.person.git("commit", "-qam", "By hand", at=workspace.path)
    sha = await workspace.commit_all(message="Rest", keep_commits=True)
    assert world.person.git("log", "-1", "--format=%an %s", str(sha), at=workspace.path) == "Person By hand"
    assert await workspace.head() == sha


async def test_push_creates_moves_and_repeats(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    first = await workspace.commit_all(message="1")
    assert (await workspace.push(expected_old=None)).moved
    assert not (await workspace.push(expected_old=None)).moved
    (workspace.path / "a.txt").write_text("2\n")
    second = await workspace.commit_all(message="2")
    assert (await workspace.push(expected_old=first)).sha == second
    assert not (await workspace.push(expected_old=first)).moved
    assert world.remote.git("rev-parse", "work-0a1b2c3d") == second


async def test_push_never_overwrites_what_it_did_not_expect(world, workspace, root: Path) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    first = await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    foreign = _push_foreign(world, root, {"foreign.txt": "x"})
    (workspace.path / "a.txt").write_text("2\n")
    await workspace.commit_all(message="2")
    for expected in (first, None, world.base):
        with pytest.raises(ConflictError, match="does not know"):
            await workspace.push(expected_old=expected)
    assert world.remote.git("rev-parse", "work-0a1b2c3d") == foreign
    assert await workspace.remote_head() == foreign


async def test_a_branch_that_was_deleted_on_the_remote_is_a_conflict_that_says_so(world, workspace) -> None:
    await workspace.push(expected_old=None)
    world.remote.git("branch", "-D", "work-0a1b2c3d")
    with pytest.raises(ConflictError, match="was deleted"):
        await workspace.push(expected_old=world.base)
    assert (await workspace.push(expected_old=None)).moved


async def test_push_with_a_lease_can_take_back_our_own_commits(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    first = await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    await workspace.keep(label="attempt-1", sha=str(first))
    await workspace.reset(world.base)
    assert (await workspace.push(expected_old=first)).sha == world.base
    assert world.remote.git("rev-parse", "refs/adw/0a1b2c3d/attempt-1") == first


async def test_a_remote_that_is_gone_is_a_git_error(world, workspace) -> None:
    Path(world.ref.remote).rename(world.root / "gone.git")
    with pytest.raises(GitCommandError, match="push"):
        await workspace.push(expected_old=None)


async def test_foreign_commits_are_adopted_below_ours(world, workspace, root: Path) -> None:
    (workspace.path / "a.txt").write_text("1\n")
    await workspace.commit_all(message="1")
    await workspace.push(expected_old=None)
    foreign = _push_foreign(world, root, {"foreign.txt": "x"})
    (workspace.path / "a.txt").write_text("2\n")
    await workspace.commit_all(message="2")
    (workspace.path / "loose.txt").write_text("not committed\n")
    adopted = await workspace.adopt_remote(message="Work on top")
    assert adopted.foreign == (foreign,)
    assert world.person.git("rev-parse", f"{adopted.head}^", at=workspace.path) == foreign
    assert {path.name for path in workspace.path.iterdir()} >= {"foreign.txt", "loose.txt"}
    assert (workspace.path / "a.txt").read_text() == "2\n"
    assert await workspace.status() == ""
    assert (await workspace.push(expected_old=foreign)).moved


async def test_adopting_without_work_of_ours_is_a_fast_forward(world, workspace, root: Path) -> None:
    await workspace.push(expected_old=None)
    foreign = _push_foreign(world, root, {"a.txt": "theirs\n"})
    assert (await workspace.adopt_remote(message="x")).head == foreign
    assert (workspace.path / "a.txt").read_text() == "theirs\n"
    assert (await workspace.adopt_remote(message="x")).foreign == ()


async def test_adopting_a_conflict_changes_nothing_and_names_the_files(world, workspace, root: Path) -> None:
    await workspace.push(expected_old=None)
    foreign = _push_foreign(world, root, {"a.txt": "theirs\n"})
    (workspace.path / "a.txt").write_text("ours\n")
    adopted = await workspace.adopt_remote(message="x")
    assert (adopted.head, adopted.foreign, adopted.conflicts) == (world.base, (foreign,), ("a.txt",))
    assert (workspace.path / "a.txt").read_text() == "ours\n"


async def test_differences_have_text_and_sizes(world, workspace) -> None:
    (workspace.path / "a.txt").write_text("one\nmore\n")
    (workspace.path / "image.bin").write_bytes(b"\0\xff" * 10)
    diff = await workspace.diff(base=world.base)
    assert "+more" in diff
    assert "Binary files /dev/null and b/image.bin differ" in diff
    assert await workspace.diff_stat(base=world.base) == DiffStat(files=2, additions=1, deletions=0)
    sha = await workspace.commit_all(message="x")
    assert await workspace.diff(base=world.base, head=sha) == diff


async def test_committed_files_are_read_by_path_and_commit(world, workspace) -> None:
    assert await workspace.read_committed(path="docs/b.txt", ref=world.base) == b"two\n"
    assert await workspace.read_committed(path="nothing", ref=world.base) is None
    assert await workspace.read_committed(path="docs", ref=world.base) is None
    with pytest.raises(NotFoundError):
        await workspace.read_committed(path="a.txt", ref="no-such-ref")


async def test_a_lock_file_of_a_killed_git_is_overcome(world, workspace) -> None:
    lock = world.mirror / "refs" / "heads" / "work-0a1b2c3d.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    (workspace.path / "a.txt").write_text("1\n")
    assert await workspace.commit_all(message="1")
    assert not lock.exists()


async def test_commits_and_pushes_of_many_workspaces_run_side_by_side(world) -> None:
    async def work(number: int) -> None:
        workspace = await world.workspaces.prepare(world.spec(f"{number:08x}"))
        (workspace.path / "a.txt").write_text(f"{number}\n")
        await workspace.commit_all(message="x")
        await workspace.push(expected_old=None)

    await asyncio.gather(*(work(number) for number in range(12)))
    assert len(world.remote.git("branch", "--list", "work-*").splitlines()) == 12


def _push_foreign(world, root: Path, files: dict[str, str]) -> str:
    world.person.git("clone", "-q", "-b", "work-0a1b2c3d", str(world.ref.remote), str(root / "reviewer"))
    reviewer = type(world.person)(root / "reviewer")
    sha = reviewer.commit(files, "By a reviewer")
    reviewer.git("push", "-q", "origin", "work-0a1b2c3d")
    return sha
