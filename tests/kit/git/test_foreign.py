from __future__ import annotations

from pathlib import Path

import pytest

from adw.kit.git import publish_branch
from adw.kit.git.foreign import ForeignBranch, count_as_published, foreign_branches, foreign_ref
from adw.kit.git.retire import retire_branch


@pytest.fixture
async def ours(person, remote, on_remote) -> str:
    """The commit we last pushed to `work` and published to the person."""
    sha = on_remote({"b.txt": "ours\n"})
    remote.git("update-ref", "refs/heads/work", sha)
    await publish_branch(person.path, remote=remote.path, branch="work", sha=sha)
    return sha


async def _look(person, remote, ours: str) -> tuple[ForeignBranch, ...]:
    return await foreign_branches(person.path, remote=remote.path, branch="work", ours=ours)


async def test_a_branch_that_is_where_we_left_it_is_ours(person, remote, ours) -> None:
    assert await _look(person, remote, ours) == ()


async def test_a_commit_somebody_pushed_is_found(person, remote, on_remote, ours) -> None:
    pushed = on_remote({"c.txt": "theirs\n"}, on=ours)
    remote.git("update-ref", "refs/heads/work", pushed)
    assert await _look(person, remote, ours) == (ForeignBranch(sha=pushed, on_remote=True, contains_ours=True),)


async def test_a_commit_of_a_person_in_their_repository_is_found_and_brought(person, remote, ours) -> None:
    person.git("checkout", "-q", "work")
    mine = person.commit({"mine.txt": "x"})
    assert await _look(person, remote, ours) == (ForeignBranch(sha=mine, on_remote=False, contains_ours=True),)
    assert remote.git("cat-file", "-t", mine) == "commit"


async def test_a_rewritten_branch_does_not_contain_ours(person, remote, ours) -> None:
    person.git("checkout", "-q", "work")
    person.git("commit", "-q", "--amend", "-m", "Mine now")
    (found,) = await _look(person, remote, ours)
    assert (found.on_remote, found.contains_ours) == (False, False)


@pytest.mark.parametrize("left", ["behind", "deleted", "pushed", "gone"])
async def test_what_is_part_of_ours_already_is_nobody_elses(person, remote, ours, left: str) -> None:
    if left == "behind":
        person.git("branch", "-f", "work", "main")
    if left == "deleted":
        person.git("branch", "-D", "work")
    if left == "pushed":
        person.git("checkout", "-q", "work")
        mine = person.commit({"mine.txt": "x"})
        person.git("push", "-q", str(remote.path), "work")
        assert [each.sha for each in await _look(person, remote, ours)] == [mine]
        return
    at = Path("/nonexistent") if left == "gone" else person.path
    assert await foreign_branches(at, remote=remote.path, branch="work", ours=ours) == ()


async def test_what_counts_as_published_is_replaced(person, remote, on_remote, ours) -> None:
    person.git("checkout", "-q", "work")
    mine = person.commit({"mine.txt": "x"})
    person.git("checkout", "-q", "main")
    assert [each.sha for each in await _look(person, remote, ours)] == [mine]
    await count_as_published(remote=remote.path, branch="work", sha=mine)
    assert await _look(person, remote, ours) == ()
    new = on_remote({"b.txt": "again\n"})
    assert (await publish_branch(person.path, remote=remote.path, branch="work", sha=new)).written
    assert person.git("rev-parse", "work") == new


async def test_a_merged_branch_leaves_nothing_of_what_a_person_had_on_it(person, remote, ours) -> None:
    person.git("checkout", "-q", "work")
    mine = person.commit({"mine.txt": "x"})
    person.git("checkout", "-q", "main")
    assert [each.sha for each in await _look(person, remote, ours)] == [mine]
    assert foreign_ref("work") in remote.git("for-each-ref", "--format=%(refname)").split()
    await retire_branch(person.path, remote=remote.path, branch="work", sha=ours)
    await retire_branch(person.path, remote=remote.path, branch="work", sha=ours)
    left = remote.git("for-each-ref", "--format=%(refname)").split()
    assert not {foreign_ref("work"), "refs/heads/work"} & {*left}
