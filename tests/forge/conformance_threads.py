"""Threads of reviews, checks, accounts and labels, on whatever forge."""

from __future__ import annotations

import pytest
from tests.forge.conformance_issues import HOSTILE
from tests.forge.stage import ForgeStage, open_pull

from adw.domain.account import Permission
from adw.domain.forge import ReviewComment
from adw.domain.threads import ReviewThread
from adw.kit.errors import NotFoundError, UsageError


async def reviewed(stage: ForgeStage, *bodies: str, author: str = "ada") -> list[ReviewThread]:
    """A pull request with a review that has these remarks on its one file."""
    pull = await open_pull(stage)
    remarks = [ReviewComment(path="work.txt", line=1, body=body) for body in bodies]
    await stage.person(author).add_review(
        pull.number, state="changes_requested", body="Please look.", key=None, comments=remarks
    )
    return await stage.forge.list_threads(pull.number)


class ThreadConformance:
    """Conversations about places in a pull request."""

    async def test_each_remark_of_a_review_begins_a_thread(self, stage: ForgeStage) -> None:
        threads = await reviewed(stage, "First?", "Second?")
        assert [(each.path, each.line, each.is_resolved) for each in threads] == [("work.txt", 1, False)] * 2
        assert [[said.body for said in each.comments] for each in threads] == [["First?"], ["Second?"]]
        assert len({each.id for each in threads}) == 2
        assert all(said.created_at.tzinfo is not None for each in threads for said in each.comments)

    async def test_a_pull_request_nobody_reviewed_has_no_threads(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        await stage.forge.create_comment(pull.number, body="Nice", key=None)
        assert await stage.forge.list_threads(pull.number) == []

    async def test_an_answer_with_a_key_is_given_once_in_its_thread(self, stage: ForgeStage) -> None:
        first, second = await reviewed(stage, "First?", "Second?")
        said = await stage.forge.reply_to_thread(first.number, thread_id=first.id, body="Done.", key="round:1")
        again = await stage.forge.reply_to_thread(first.number, thread_id=first.id, body="Done!", key="round:1")
        other = await stage.forge.reply_to_thread(second.number, thread_id=second.id, body="No.", key="round:1")
        assert again == said
        assert other.id != said.id
        now = await stage.forge.list_threads(first.number)
        assert [[each.body for each in thread.comments] for thread in now] == [["First?", "Done."], ["Second?", "No."]]
        assert now[0].comments[-1].key == "round:1"

    async def test_a_settled_thread_stays_settled_and_leaves_the_others_open(self, stage: ForgeStage) -> None:
        first, _ = await reviewed(stage, "First?", "Second?")
        for _ in range(2):
            await stage.forge.resolve_thread(first.number, thread_id=first.id)
        assert [each.is_resolved for each in await stage.forge.list_threads(first.number)] == [True, False]

    @pytest.mark.parametrize("body", HOSTILE)
    async def test_answers_are_kept_as_they_were_written(self, stage: ForgeStage, body: str) -> None:
        (thread,) = await reviewed(stage, "Why?")
        await stage.forge.reply_to_thread(thread.number, thread_id=thread.id, body=body, key="k")
        (now,) = await stage.forge.list_threads(thread.number)
        assert now.comments[-1].body == body

    async def test_unknown_threads_are_refused(self, stage: ForgeStage) -> None:
        (thread,) = await reviewed(stage, "Why?")
        for unknown in ("99999999", "no-thread"):
            with pytest.raises(NotFoundError):
                await stage.forge.reply_to_thread(thread.number, thread_id=unknown, body="x", key=None)
            with pytest.raises(NotFoundError):
                await stage.forge.resolve_thread(thread.number, thread_id=unknown)
        with pytest.raises(NotFoundError):
            await stage.forge.list_threads(99_999_999)

    async def test_an_empty_answer_is_refused(self, stage: ForgeStage) -> None:
        (thread,) = await reviewed(stage, "Why?")
        with pytest.raises(UsageError):
            await stage.forge.reply_to_thread(thread.number, thread_id=thread.id, body=" ", key=None)


class CheckConformance:
    """What runs on commits, and what branches demand."""

    async def test_a_commit_nothing_ran_on_has_no_checks(self, stage: ForgeStage) -> None:
        sha = await stage.commit("work", {"a.txt": "x\n"})
        assert await stage.forge.list_checks(sha) == []

    async def test_a_branch_nobody_protected_demands_nothing(self, stage: ForgeStage) -> None:
        rules = await stage.forge.branch_rules(stage.base)
        assert (rules.is_protected, rules.required_checks, rules.required_approvals) == (False, (), 0)
        assert "squash" in rules.methods

    async def test_the_head_of_a_branch_is_told(self, stage: ForgeStage) -> None:
        sha = await stage.commit("work", {"a.txt": "x\n"})
        assert await stage.forge.branch_head("work") == sha
        assert await stage.forge.branch_head("nobodys") is None
        await open_pull(stage, pushed=True)
        assert await stage.forge.branch_head(stage.base) != sha


class AccountConformance:
    """Who somebody is, and labels."""

    async def test_what_we_write_is_written_by_ourselves(self, stage: ForgeStage) -> None:
        issue = await stage.forge.create_issue(title="One", body="", key=None)
        ourselves = await stage.forge.ourselves()
        assert ourselves.is_same(issue.author)
        assert (await stage.forge.permission_of(ourselves.login)).allows(Permission.WRITE)

    async def test_labels_come_and_go_once_each(self, stage: ForgeStage) -> None:
        issue = await stage.forge.create_issue(title="One", body="", key=None, labels=["bug"])
        await stage.forge.add_labels(issue.number, ["adw:sdlc", "bug"])
        await stage.forge.add_labels(issue.number, ["adw:sdlc"])
        assert sorted((await stage.forge.get_issue(issue.number)).labels) == ["adw:sdlc", "bug"]
        for _ in range(2):
            await stage.forge.remove_label(issue.number, "bug")
        assert (await stage.forge.get_issue(issue.number)).labels == ("adw:sdlc",)
