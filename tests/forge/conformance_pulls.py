"""Pull requests and reviews, on whatever forge."""

from __future__ import annotations

import asyncio

import pytest
from tests.forge.stage import ForgeStage, open_pull

from adw.domain.forge import Merged, NotMergeable, ReviewComment
from adw.kit.errors import ConflictError, UsageError


class PullRequestConformance:
    """Pull requests and reviews."""

    async def test_a_pull_request_is_returned_as_it_was_opened(self, stage: ForgeStage) -> None:
        issue = await stage.forge.create_issue(title="t", body="", key=None)
        sha = await stage.commit("work", {"new.txt": "new\n"})
        pull = await open_pull(stage, "work", pushed=True, draft=True, key="run:pr", title="Add new")
        assert pull.number == issue.number + 1
        assert (pull.title, pull.body, pull.state, pull.author) == ("Add new", "Because.", "draft", stage.ourselves)
        assert (pull.head_branch, pull.head_sha, pull.base) == ("work", sha, stage.base)
        assert (pull.merge_sha, pull.merged_at, pull.closed_at) == (None, None, None)
        assert await stage.forge.get_pull_request(pull.number) == pull
        assert await stage.forge.find_pull_request("work") == pull
        assert await stage.forge.find_pull_request("other") is None

    async def test_ensuring_twice_finds_the_open_one_by_its_branch(self, stage: ForgeStage) -> None:
        first = await open_pull(stage, key="a")
        again = await open_pull(stage, pushed=True, key="b", title="Other title", draft=True)
        assert again == first
        assert len(await stage.forge.list_pull_requests(state="all")) == 1

    async def test_one_branch_gets_one_pull_request_when_five_try_at_once(self, stage: ForgeStage) -> None:
        await stage.commit("work", {"new.txt": "new\n"})
        pulls = await asyncio.gather(*(open_pull(stage, pushed=True, key=f"k{n}") for n in range(5)))
        assert {pull.number for pull in pulls} == {1}

    async def test_a_repeat_after_the_end_finds_what_its_key_made(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage, key="run:pr")
        merged = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Add work")
        assert isinstance(merged, Merged)
        await stage.delete_branch("work")
        again = await open_pull(stage, pushed=True, key="run:pr")
        assert (again.number, again.state, again.merge_sha) == (pull.number, "merged", merged.sha)

    async def test_a_branch_may_be_offered_again_after_closing(self, stage: ForgeStage) -> None:
        first = await open_pull(stage, key="a")
        await stage.forge.close_pull_request(first.number)
        second = await open_pull(stage, pushed=True, key="b")
        assert second.number == first.number + 1
        assert [pull.number for pull in await stage.forge.list_pull_requests()] == [second.number]
        assert [pull.number for pull in await stage.forge.list_pull_requests(state="closed")] == [first.number]

    async def test_a_branch_that_is_absent_or_brings_nothing_is_refused(self, stage: ForgeStage) -> None:
        with pytest.raises(ConflictError, match="absent"):
            await open_pull(stage, "absent", pushed=True)
        with pytest.raises(ConflictError, match="no commit"):
            await open_pull(stage, stage.base, pushed=True)
        await stage.commit("work", {"a": "b"})
        with pytest.raises(ConflictError, match="nowhere"):
            await open_pull(stage, pushed=True, base="nowhere")
        assert (await open_pull(stage, pushed=True)).number == 1

    @pytest.mark.parametrize("head", ["work~1", "work^{commit}", "HEAD", "--all", "*", "refs/heads/work", "a b"])
    async def test_what_is_no_branch_name_is_refused(self, stage: ForgeStage, head: str) -> None:
        await stage.commit("work", {"a": "1"})
        await stage.commit("work", {"a": "2"})
        with pytest.raises(ConflictError, match="no branch"):
            await open_pull(stage, head, pushed=True)

    @pytest.mark.parametrize("head", ["", "a\0b", "a\nb", "x" * 300])
    async def test_what_cannot_be_a_branch_name_is_refused(self, stage: ForgeStage, head: str) -> None:
        with pytest.raises(UsageError):
            await open_pull(stage, head, pushed=True)
        with pytest.raises(UsageError):
            await stage.forge.find_pull_request(head)

    async def test_an_open_branch_cannot_be_offered_to_another_base(self, stage: ForgeStage) -> None:
        await open_pull(stage)
        await stage.commit("release", {"release": "1"})
        with pytest.raises(ConflictError, match="already"):
            await open_pull(stage, pushed=True, base="release")

    async def test_the_head_follows_the_branch_while_open(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        sha = await stage.commit("work", {"more.txt": "more\n"})
        assert (await stage.forge.get_pull_request(pull.number)).head_sha == sha
        assert [found.head_sha for found in await stage.forge.list_pull_requests()] == [sha]
        closed = await stage.forge.close_pull_request(pull.number)
        await stage.commit("work", {"late.txt": "late\n"})
        assert closed.head_sha == sha
        assert await stage.forge.get_pull_request(pull.number) == closed

    async def test_title_and_body_can_be_changed_one_by_one(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage, key="a")
        await stage.forge.update_pull_request(pull.number, title="New title")
        changed = await stage.forge.update_pull_request(pull.number, body="New body")
        assert (changed.title, changed.body) == ("New title", "New body")
        assert (await open_pull(stage, pushed=True, key="a")).number == pull.number
        with pytest.raises(UsageError):
            await stage.forge.update_pull_request(pull.number, body="a\0b")

    async def test_a_draft_becomes_ready_once(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage, draft=True)
        ready = await stage.forge.mark_ready(pull.number)
        assert ready.state == "ready"
        assert await stage.forge.mark_ready(pull.number) == ready

    async def test_a_ready_one_becomes_a_draft_again_where_the_forge_can(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage, draft=True)
        assert await stage.forge.mark_draft(pull.number) == pull
        ready = await stage.forge.mark_ready(pull.number)
        if not stage.forge.capabilities.can_mark_draft:
            with pytest.raises(ConflictError):
                await stage.forge.mark_draft(pull.number)
            assert await stage.forge.get_pull_request(pull.number) == ready
            return
        again = await stage.forge.mark_draft(pull.number)
        assert again.state == "draft"
        assert await stage.forge.mark_draft(pull.number) == again
        refused = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(refused, NotMergeable)
        assert (await stage.forge.mark_ready(pull.number)).state == "ready"

    async def test_a_closed_one_stays_closed(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        closed = await stage.forge.close_pull_request(pull.number)
        assert closed.state == "closed"
        assert closed.closed_at is not None
        assert await stage.forge.close_pull_request(pull.number) == closed
        with pytest.raises(ConflictError):
            await stage.forge.mark_ready(pull.number)
        with pytest.raises(ConflictError):
            await stage.forge.mark_draft(pull.number)
        outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        assert isinstance(outcome, NotMergeable)
        assert "closed" in outcome.reason

    async def test_a_review_is_kept_with_its_remarks_and_commit(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        remarks = [ReviewComment(path="work.txt", line=1, body="why?"), ReviewComment(path="a b", line=None, body="ü")]
        asked = await stage.person("ada").add_review(
            pull.number, state="changes_requested", body="Please", key=None, comments=remarks
        )
        sha = await stage.commit("work", {"fix.txt": "fixed\n"})
        approved = await stage.person("ada").add_review(pull.number, state="approved", body="", key=None)
        assert (asked.head_sha, approved.head_sha) == (pull.head_sha, sha)
        assert asked.comments[0] == remarks[0]
        assert remarks[1] in asked.comments or "**a b**: ü" in asked.body  # where a forge has no place for it
        assert await stage.forge.list_reviews(pull.number) == [asked, approved]

    async def test_a_review_with_a_key_is_written_once(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        first = await stage.forge.add_review(pull.number, state="commented", body="hm", key="review:1")
        again = await stage.forge.add_review(pull.number, state="approved", body="ok", key="review:1")
        assert again == first
        assert await stage.forge.list_reviews(pull.number) == [first]

    async def test_a_review_must_say_something(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        with pytest.raises(UsageError):
            await stage.forge.add_review(pull.number, state="changes_requested", body=" ", key=None)
        with pytest.raises(UsageError):
            await stage.forge.add_review(
                pull.number,
                state="commented",
                body="",
                key=None,
                comments=[ReviewComment(path="a", line=0, body="x")],
            )

    async def test_the_diff_shows_what_the_branch_changed(self, stage: ForgeStage) -> None:
        await stage.commit("work", {"naïve file.txt": "hello\n"})
        pull = await open_pull(stage, pushed=True)
        await stage.commit(stage.base, {"elsewhere.txt": "not part of it\n"})
        diff = await stage.forge.diff(pull.number)
        assert "naïve file.txt" in diff
        assert "+hello" in diff
        assert "elsewhere" not in diff

    async def test_the_diff_survives_merge_and_clean_up(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        before = await stage.forge.diff(pull.number)
        await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
        await stage.delete_branch("work")
        assert await stage.forge.diff(pull.number) == before
