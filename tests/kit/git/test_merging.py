from __future__ import annotations

import asyncio

import pytest

from adw.kit.errors import ConflictError
from adw.kit.git import BareRepository, GitCommandError, Identity, SquashResult, squash_merge


async def _squash(remote, head: str, *, expected: str, **more: object) -> SquashResult:
    bare = BareRepository(path=remote.path)
    return await squash_merge(bare, base_branch="main", expected_base=expected, head_sha=head, message="All", **more)


async def test_many_commits_become_one_on_the_base(remote, on_remote) -> None:
    base = remote.git("rev-parse", "main")
    first = on_remote({"a.txt": "two\n"})
    head = on_remote({"b.txt": "new\n"}, on=first)
    result = await _squash(remote, head, expected=base, identity=Identity(name="Bot", email="b@x"))
    assert result.sha == remote.git("rev-parse", "main")
    assert remote.git("rev-parse", "main^") == base
    assert remote.git("log", "-1", "--format=%an|%cn|%s", "main") == "Bot|Bot|All"
    assert remote.git("show", "main:b.txt") == "new"


async def test_a_base_that_moved_elsewhere_in_the_files_merges(remote, on_remote) -> None:
    head = on_remote({"b.txt": "new\n"})
    base = on_remote({"a.txt": "theirs\n"}, branch="main")
    result = await _squash(remote, head, expected=base)
    assert remote.git("show", f"{result.sha}:a.txt") == "theirs"


async def test_a_conflict_names_the_files_and_moves_nothing(remote, on_remote) -> None:
    head = on_remote({"a.txt": "ours\n", "näme with space": "1"})
    base = on_remote({"a.txt": "theirs\n", "näme with space": "2"}, branch="main")
    result = await _squash(remote, head, expected=base)
    assert result == SquashResult(sha=None, conflicts=("a.txt", "näme with space"))
    assert remote.git("rev-parse", "main") == base


async def test_an_unknown_commit_is_an_error_and_not_a_conflict(remote) -> None:
    with pytest.raises(GitCommandError):
        await _squash(remote, "1" * 40, expected=remote.git("rev-parse", "main"))


async def test_a_base_that_is_not_where_it_was_expected_is_not_moved(remote, on_remote) -> None:
    old, head = remote.git("rev-parse", "main"), on_remote({"b.txt": "new\n"})
    moved = on_remote({"c.txt": "x\n"}, branch="main")
    with pytest.raises(ConflictError, match="main moved"):
        await _squash(remote, head, expected=old)
    assert remote.git("rev-parse", "main") == moved


async def test_of_two_merges_at_once_one_wins(remote, on_remote) -> None:
    base = remote.git("rev-parse", "main")
    heads = [on_remote({f"{number}.txt": "x\n"}) for number in range(2)]
    results = await asyncio.gather(*(_squash(remote, head, expected=base) for head in heads), return_exceptions=True)
    assert sorted(isinstance(result, ConflictError) for result in results) == [False, True]
    assert remote.git("rev-list", "--count", f"{base}..main") == "1"


async def test_a_head_without_anything_new_moves_nothing(remote) -> None:
    base = remote.git("rev-parse", "main")
    assert await _squash(remote, base, expected=base) == SquashResult(sha=base)
