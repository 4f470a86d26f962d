from __future__ import annotations

from pathlib import Path

import pytest

from adw.kit.errors import ConflictError
from adw.kit.git import create_remote, publish_branch, retire_branch, sync_remote_base


async def _publish(person, remote, sha: str):
    return await publish_branch(person.path, remote=remote.path, branch="work", sha=sha)


async def test_a_result_arrives_as_a_branch_and_nothing_else_changes(person, remote, on_remote) -> None:
    sha = on_remote({"b.txt": "result\n"})
    (person.path / "a.txt").write_text("in progress\n")
    before = person.git("status", "--porcelain", "--branch"), person.git("rev-parse", "HEAD")
    assert (await _publish(person, remote, sha)).written
    assert person.git("rev-parse", "work") == sha
    assert (person.git("status", "--porcelain", "--branch"), person.git("rev-parse", "HEAD")) == before
    assert not (person.path / ".git" / "FETCH_HEAD").exists()
    assert not (await _publish(person, remote, sha)).written


async def test_our_branch_moves_forward_and_can_be_rewritten_by_us(person, remote, on_remote) -> None:
    first = on_remote({"b.txt": "1\n"})
    assert (await _publish(person, remote, first)).written
    second = on_remote({"b.txt": "2\n"}, on=first)
    assert (await _publish(person, remote, second)).written
    rewritten = on_remote({"b.txt": "3\n"})
    assert (await _publish(person, remote, rewritten)).written
    assert person.git("rev-parse", "work") == rewritten


async def test_a_branch_with_commits_of_the_person_is_left_alone(person, remote, on_remote) -> None:
    await _publish(person, remote, on_remote({"b.txt": "1\n"}))
    person.git("checkout", "-q", "work")
    mine = person.commit({"mine.txt": "x"})
    person.git("checkout", "-q", "main")
    result = await _publish(person, remote, on_remote({"b.txt": "2\n"}))
    assert not result.written
    assert "not ours" in (result.note or "")
    assert person.git("rev-parse", "work") == mine


async def test_a_branch_that_is_checked_out_is_left_alone(person, remote, on_remote, root: Path) -> None:
    first = on_remote({"b.txt": "1\n"})
    await _publish(person, remote, first)
    person.git("worktree", "add", "-q", str(root / "linked"), "work")
    result = await _publish(person, remote, on_remote({"b.txt": "2\n"}, on=first))
    assert (result.written, str(root / "linked") in (result.note or "")) == (False, True)
    assert person.git("rev-parse", "work") == first


async def test_our_remote_follows_the_base_forward_only(person, remote) -> None:
    old = person.git("rev-parse", "main")
    new = person.commit({"a.txt": "2\n"})
    synced = await sync_remote_base(remote.path, source=person.path, base="main", sha=new)
    assert (synced.sha, synced.moved) == (new, True)
    again = await sync_remote_base(remote.path, source=person.path, base="main", sha=old)
    assert (again.sha, again.moved) == (new, False)


async def test_a_person_who_amended_is_followed_while_nothing_was_merged(person, remote) -> None:
    person.git("commit", "-q", "--amend", "-m", "Better words")
    sha = person.git("rev-parse", "main")
    assert (await sync_remote_base(remote.path, source=person.path, base="main", sha=sha)).sha == sha


async def test_merged_work_is_never_thrown_away_by_a_rewrite(person, remote, on_remote) -> None:
    merged = on_remote({"b.txt": "merged\n"}, branch="main")
    person.git("commit", "-q", "--amend", "-m", "Better words")
    sha = person.git("rev-parse", "main")
    with pytest.raises(ConflictError) as raised:
        await sync_remote_base(remote.path, source=person.path, base="main", sha=sha)
    assert "git pull" in (raised.value.hint or "")
    assert remote.git("rev-parse", "main") == merged


async def test_making_the_remote_twice_keeps_it_and_repairs_its_settings(remote) -> None:
    sha = remote.git("rev-parse", "main")
    (remote.path / "config").write_text("[core]\n\thooksPath = /tmp/evil\n\tbare = true\n")
    await create_remote(remote.path)
    assert remote.git("rev-parse", "main") == sha
    assert remote.git("config", "core.hooksPath") == "/dev/null"


async def test_the_remote_can_have_another_default_branch(root: Path, person) -> None:
    bare = await create_remote(root / "trunk.git", default_branch="trunk")
    assert person.git("symbolic-ref", "HEAD", at=bare.path) == "refs/heads/trunk"


async def _retire(person, remote, sha: str) -> str | None:
    return await retire_branch(person.path, remote=remote.path, branch="work", sha=sha)


async def test_a_merged_branch_goes_from_both_repositories_however_often_it_is_asked(person, remote, on_remote) -> None:
    sha = on_remote({"b.txt": "1\n"})
    remote.git("update-ref", "refs/heads/work", sha)
    await _publish(person, remote, sha)
    for _ in range(2):
        assert await _retire(person, remote, sha) is None
        assert "work" not in person.git("branch", "--list", "work") + remote.git("branch", "--list", "work")


async def test_a_branch_a_person_goes_on_with_stays_with_them(person, remote, on_remote) -> None:
    sha = on_remote({"b.txt": "1\n"})
    await _publish(person, remote, sha)
    person.git("checkout", "-q", "work")
    assert "checked out" in (await _retire(person, remote, sha) or "")
    mine = person.commit({"mine.txt": "x"})
    assert "not merged" in (await _retire(person, remote, sha) or "")
    assert person.git("rev-parse", "work") == mine
