"""Merging, on whatever forge."""

from __future__ import annotations

import asyncio

import pytest
from tests.forge.stage import ForgeStage, open_pull

from adw.domain.forge import HeadMoved, MergeConflict, Merged, NotMergeable
from adw.kit.errors import ConflictError, UsageError


class MergeConformance:
    """Merging."""

    async def test_a_squash_merge_puts_one_commit_on_the_base(self, stage: ForgeStage) -> None:
        await stage.commit("work", {"one.txt": "1\n"})
        head_sha = await stage.commit("work", {"two.txt": "2\n"})
        before = await stage.commits_on(stage.base)
        pull = await open_pull(stage, pushed=True)
        outcome = await stage.forge.merge_pull_request(
            pull.number, expected_head_sha=head_sha, message="Add both\n\nCloses ünïcode #1"
        )
        assert isinstance(outcome, Merged)
        assert await stage.commits_on(stage.base) == ["Add both", *before]
        assert {"one.txt": "1\n", "two.txt": "2\n"}.items() <= (await stage.files_on(stage.base)).items()
        merged = await stage.forge.get_pull_request(pull.number)
        assert (merged.state, merged.merge_sha, merged.head_sha) == ("merged", outcome.sha, head_sha)
        assert merged.merged_at is not None
        assert await stage.forge.find_merge_on_base(sha=outcome.sha, base=stage.base)
        assert not await stage.forge.find_merge_on_base(sha=head_sha, base=stage.base)
        assert [found.number for found in await stage.forge.list_pull_requests(state="merged")] == [pull.number]

    async def test_merging_again_returns_the_merge_that_was(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        first = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        after = await stage.commits_on(stage.base)
        again = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(first, Merged)
        assert isinstance(again, Merged)
        assert again.sha == first.sha
        assert await stage.commits_on(stage.base) == after

    async def test_five_merges_at_once_are_one(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        before = await stage.commits_on(stage.base)
        outcomes = await asyncio.gather(
            *(
                stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
                for _ in range(5)
            )
        )
        assert {outcome.sha for outcome in outcomes if isinstance(outcome, Merged)} == {
            (await stage.forge.get_pull_request(pull.number)).merge_sha
        }
        assert len(await stage.commits_on(stage.base)) == len(before) + 1

    async def test_pull_requests_merged_at_once_are_all_on_the_base(self, stage: ForgeStage) -> None:
        pulls = [await open_pull(stage, f"work-{n}") for n in range(3)]
        outcomes = await asyncio.gather(
            *(
                stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message=pull.title)
                for pull in pulls
            )
        )
        assert all(isinstance(outcome, Merged) for outcome in outcomes)
        assert {"work-0.txt", "work-1.txt", "work-2.txt"} <= (await stage.files_on(stage.base)).keys()

    async def test_a_merge_keeps_what_the_base_gained_meanwhile(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        await stage.commit(stage.base, {"gained.txt": "kept\n"})
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(outcome, Merged)
        assert {"gained.txt", "work.txt"} <= (await stage.files_on(stage.base)).keys()

    async def test_a_conflict_names_the_files_and_merges_nothing(self, stage: ForgeStage) -> None:
        await stage.commit("work", {"both ünï.txt": "mine\n", "fine.txt": "x\n"})
        pull = await open_pull(stage, pushed=True)
        await stage.commit(stage.base, {"both ünï.txt": "theirs\n"})
        before = await stage.commits_on(stage.base)
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert outcome == MergeConflict(files=("both ünï.txt",))
        assert await stage.commits_on(stage.base) == before
        assert (await stage.forge.get_pull_request(pull.number)).state == "ready"

    async def test_a_head_that_moved_is_not_merged(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        sha = await stage.commit("work", {"late.txt": "unseen\n"})
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert outcome == HeadMoved(expected_sha=pull.head_sha, actual_sha=sha)
        assert "late.txt" not in await stage.files_on(stage.base)
        assert (await stage.forge.get_pull_request(pull.number)).state == "ready"

    async def test_a_commit_of_the_base_is_not_a_merged_head(self, stage: ForgeStage) -> None:
        base_sha = await stage.commit(stage.base, {"base.txt": "x\n"})
        pull = await open_pull(stage)
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=base_sha, message="x")
        assert outcome == HeadMoved(expected_sha=base_sha, actual_sha=pull.head_sha)

    async def test_a_head_that_vanished_is_not_merged(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        await stage.delete_branch("work")
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(outcome, HeadMoved | NotMergeable)

    async def test_a_draft_is_not_merged(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage, draft=True)
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(outcome, NotMergeable)
        assert "draft" in outcome.reason

    async def test_a_merged_one_can_no_longer_be_closed_and_stays_merged(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        with pytest.raises(ConflictError):
            await stage.forge.close_pull_request(pull.number)
        assert (await stage.forge.mark_ready(pull.number)).state == "merged"
        assert (await stage.forge.mark_draft(pull.number)).state == "merged"

    @pytest.mark.parametrize("message", ["", "\n", "a\0b"])
    async def test_a_merge_needs_a_usable_message(self, stage: ForgeStage, message: str) -> None:
        pull = await open_pull(stage)
        with pytest.raises(UsageError):
            await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message=message)

    @pytest.mark.parametrize("sha", ["0" * 40, "nonsense", ""])
    async def test_an_unknown_commit_is_not_on_the_base(self, stage: ForgeStage, sha: str) -> None:
        assert not await stage.forge.find_merge_on_base(sha=sha, base=stage.base)

    async def test_nothing_is_on_a_branch_that_does_not_exist(self, stage: ForgeStage) -> None:
        sha = await stage.commit(stage.base, {"a": "b"})
        assert await stage.forge.find_merge_on_base(sha=sha, base=stage.base)
        assert not await stage.forge.find_merge_on_base(sha=sha, base="absent")
