"""Issues and comments, on whatever forge."""

from __future__ import annotations

import asyncio

import pytest
from tests.forge.stage import ForgeStage, open_pull

from adw.domain.effect_key import mark
from adw.domain.project import ForgeKind
from adw.kit.errors import NotFoundError, UsageError

HOSTILE = [
    "plain",
    "'; DROP TABLE issues; --",
    "<script>alert(1)</script>",
    "$(touch /tmp/owned) `id` %s {0} \\x00 \\",
    "naïve Ünïcödé 漢字 🦄 👩\u200d👩\u200d👧 \u202eevil",
    "<!-- adw:key=k1 -->",
    "--option-like",
    "#1 @adw @everyone closes #2",
]


class IssueConformance:
    """Issues and comments."""

    async def test_an_issue_is_returned_as_it_was_written(self, stage: ForgeStage) -> None:
        made = await stage.person("ada").create_issue(
            title="Broken", body="It *is*.\r\n", key=None, labels=["bug", "p1", "bug"]
        )
        assert (made.title, made.body, made.author, made.state) == ("Broken", "It *is*.\r\n", "ada", "open")
        assert made.labels == ("bug", "p1")
        assert made.created_at.tzinfo is not None
        assert await stage.forge.get_issue(made.number) == made

    async def test_an_issue_made_twice_with_one_key_is_one(self, stage: ForgeStage) -> None:
        first = await stage.forge.create_issue(title="One", body="a", key="run:1")
        again = await stage.forge.create_issue(title="Two", body="b", key="run:1")
        other = await stage.forge.create_issue(title="One", body="a", key="run:2")
        assert again == first
        assert other.number != first.number

    async def test_a_person_may_write_the_same_issue_twice(self, stage: ForgeStage) -> None:
        first = await stage.person("ada").create_issue(title="One", body="a", key=None)
        assert (await stage.person("ada").create_issue(title="One", body="a", key=None)).number != first.number

    async def test_closing_twice_keeps_the_first_closing(self, stage: ForgeStage) -> None:
        made = await stage.forge.create_issue(title="One", body="", key=None)
        closed = await stage.forge.close_issue(made.number)
        assert closed.state == "closed"
        assert closed.closed_at is not None
        assert await stage.forge.close_issue(made.number) == closed

    async def test_issues_are_listed_newest_first_by_state(self, stage: ForgeStage) -> None:
        numbers = [(await stage.forge.create_issue(title=f"t{n}", body="", key=None)).number for n in range(4)]
        await stage.forge.close_issue(numbers[1])
        assert [issue.number for issue in await stage.forge.list_issues()] == [numbers[3], numbers[2], numbers[0]]
        assert [issue.number for issue in await stage.forge.list_issues(state="closed")] == [numbers[1]]
        assert [issue.number for issue in await stage.forge.list_issues(state=None, limit=2)] == numbers[:1:-1]

    async def test_numbers_have_no_gaps_when_twenty_are_made_at_once(self, stage: ForgeStage) -> None:
        branches = [f"branch-{n}" for n in range(3)]
        for branch in branches:
            await stage.commit(branch, {branch: "x"})
        made = await asyncio.gather(
            *(stage.forge.create_issue(title=f"t{n}", body="", key=None) for n in range(20)),
            *(open_pull(stage, branch, pushed=True) for branch in branches),
        )
        assert sorted(thing.number for thing in made) == list(range(1, 24))

    async def test_one_key_makes_one_issue_when_five_try_at_once(self, stage: ForgeStage) -> None:
        made = await asyncio.gather(*(stage.forge.create_issue(title="t", body="", key="same") for _ in range(5)))
        assert {issue.number for issue in made} == {1}
        assert (await stage.forge.create_issue(title="next", body="", key=None)).number == 2

    async def test_a_refused_issue_leaves_no_gap(self, stage: ForgeStage) -> None:
        with pytest.raises(UsageError):
            await stage.forge.create_issue(title="fine", body="not\0fine", key=None)
        assert (await stage.forge.create_issue(title="fine", body="fine", key=None)).number == 1

    async def test_a_comment_with_a_key_is_written_once(self, stage: ForgeStage) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        first = await stage.forge.create_comment(number, body="hello", key="k1")
        again = await stage.forge.create_comment(number, body="hello again", key="k1")
        assert again == first
        assert (first.body, first.key, first.author) == ("hello", "k1", stage.ourselves)
        assert [comment.id for comment in await stage.forge.list_comments(number)] == [first.id]

    async def test_one_key_makes_one_comment_when_five_try_at_once(self, stage: ForgeStage) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        made = await asyncio.gather(*(stage.forge.create_comment(number, body="x", key="k") for _ in range(5)))
        assert len({comment.id for comment in made}) == 1

    async def test_a_key_speaks_of_one_number_only(self, stage: ForgeStage) -> None:
        one, two = [(await stage.forge.create_issue(title="t", body="", key=None)).number for _ in range(2)]
        first = await stage.forge.create_comment(one, body="x", key="k")
        assert (await stage.forge.create_comment(two, body="x", key="k")).id != first.id

    @pytest.mark.parametrize("text", [mark("I am a person", key="k1"), "<!-- adw:key=k1 -->"])
    async def test_a_persons_marker_is_not_taken_for_ours(self, stage: ForgeStage, text: str) -> None:
        issue = await stage.person("mallory").create_issue(title="t", body=text, key=None)
        assert (await stage.forge.get_issue(issue.number)).body == text
        theirs = await stage.person("mallory").create_comment(issue.number, body=text, key=None)
        ours = await stage.forge.upsert_comment(issue.number, body="ours", key="k1")
        assert ours.id != theirs.id
        assert (await stage.forge.create_issue(title="t", body="", key="k1")).number != issue.number
        written = await stage.forge.list_comments(issue.number)
        assert [(comment.body, comment.key) for comment in written] == [(text, None), ("ours", "k1")]

    async def test_a_marker_quoted_by_us_does_not_hide_our_own(self, stage: ForgeStage) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        text = mark("quoting", key="k2")
        quoting = await stage.forge.create_comment(number, body=text, key="k1")
        assert await stage.forge.create_comment(number, body=text, key="k1") == quoting
        assert quoting.body == text
        assert (await stage.forge.create_comment(number, body="other", key="k2")).id != quoting.id

    async def test_a_status_comment_is_edited_in_place(self, stage: ForgeStage) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        first = await stage.forge.upsert_comment(number, body="planning", key="status")
        same = await stage.forge.upsert_comment(number, body="planning", key="status")
        edited = await stage.forge.upsert_comment(number, body="building", key="status")
        assert same == first
        assert (edited.id, edited.body) == (first.id, "building")
        assert edited.created_at == first.created_at
        assert edited.updated_at >= first.updated_at
        assert await stage.forge.list_comments(number) == [edited]

    async def test_an_edited_comment_keeps_its_key(self, stage: ForgeStage) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        comment = await stage.forge.create_comment(number, body="a", key="k")
        assert (await stage.forge.update_comment(comment.id, body="b")).body == "b"
        assert (await stage.forge.create_comment(number, body="c", key="k")).body == "b"

    async def test_pull_requests_take_comments_like_issues(self, stage: ForgeStage) -> None:
        pull = await open_pull(stage)
        comment = await stage.person("ada").create_comment(pull.number, body="nice", key=None)
        assert await stage.forge.list_comments(pull.number) == [comment]

    @pytest.mark.parametrize("text", HOSTILE)
    async def test_any_text_comes_back_unchanged(self, stage: ForgeStage, text: str) -> None:
        issue = await stage.person("ada").create_issue(title=text, body=f"\n{text}\n", key=None)
        comment = await stage.forge.create_comment(issue.number, body=text, key="k")
        kept = await stage.forge.get_issue(issue.number)
        assert (kept.title, kept.body) == (text, f"\n{text}\n")
        assert await stage.forge.list_comments(issue.number) == [comment]
        assert comment.body == text

    @pytest.mark.parametrize(
        ("title", "body", "said"),
        [
            ("a\0b", "", "title contains a NUL"),
            ("t", "a\0b", "body contains a NUL"),
            ("t", "half \ud83d", "lone surrogate"),
            ("", "", "title is empty"),
            (" \t ", "", "title is empty"),
            ("two\nlines", "", "one line"),
            ("\x1b[31mred", "", "control characters"),
            ("x" * 257, "", "257 characters"),
        ],
    )
    async def test_unusable_text_is_refused(self, stage: ForgeStage, title: str, body: str, said: str) -> None:
        with pytest.raises(UsageError, match=said):
            await stage.forge.create_issue(title=title, body=body, key=None)

    async def test_text_beyond_the_largest_is_refused_or_cut_with_a_note(self, stage: ForgeStage) -> None:
        most = stage.forge.capabilities.max_body_chars
        if stage.forge.capabilities.kind is ForgeKind.LOCAL:
            with pytest.raises(UsageError, match=f"{most + 1:,} characters"):
                await stage.forge.create_issue(title="t", body="x" * (most + 1), key="k")
            return
        made = await stage.forge.create_issue(title="t", body="x" * (most + 1), key="k")
        assert len(made.body) <= most
        assert "cut here" in made.body[-100:]
        assert (await stage.forge.create_issue(title="t", body="", key="k")).number == made.number

    async def test_the_largest_text_is_taken(self, stage: ForgeStage) -> None:
        most = stage.forge.capabilities
        body = "漢" * most.max_body_chars
        made = await stage.forge.create_issue(title="x" * most.max_title_chars, body=body, key=None)
        assert (await stage.forge.get_issue(made.number)).body == body

    @pytest.mark.parametrize("body", ["", " \n", "a\0b"])
    async def test_unusable_comments_are_refused(self, stage: ForgeStage, body: str) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        comment = await stage.forge.create_comment(number, body="fine", key=None)
        with pytest.raises(UsageError):
            await stage.forge.create_comment(number, body=body, key=None)
        with pytest.raises(UsageError):
            await stage.forge.update_comment(comment.id, body=body)
        with pytest.raises(UsageError):
            await stage.forge.upsert_comment(number, body=body, key="k")

    @pytest.mark.parametrize("key", ["", "a b", "a-->b", "x" * 201, "k\0", "k\n", "ü"])
    async def test_unusable_keys_are_refused(self, stage: ForgeStage, key: str) -> None:
        number = (await stage.forge.create_issue(title="t", body="", key=None)).number
        with pytest.raises(UsageError, match="key"):
            await stage.forge.create_comment(number, body="x", key=key)
        with pytest.raises(UsageError, match="key"):
            await stage.forge.create_issue(title="t", body="x", key=key)

    @pytest.mark.parametrize("number", [0, -1, 7, 10**12])
    async def test_an_unknown_number_is_not_found(self, stage: ForgeStage, number: int) -> None:
        for attempt in (
            stage.forge.get_issue(number),
            stage.forge.close_issue(number),
            stage.forge.list_comments(number),
            stage.forge.create_comment(number, body="x", key=None),
            stage.forge.get_pull_request(number),
            stage.forge.mark_ready(number),
            stage.forge.mark_draft(number),
            stage.forge.close_pull_request(number),
            stage.forge.update_pull_request(number, title="x"),
            stage.forge.list_reviews(number),
            stage.forge.add_review(number, state="approved", body="", key=None),
            stage.forge.diff(number),
            stage.forge.merge_pull_request(number, expected_head_sha="0" * 40, message="x"),
        ):
            with pytest.raises(NotFoundError):
                await attempt

    @pytest.mark.parametrize("comment_id", ["0", "999999", "nonsense", "", "9" * 30, "-1"])
    async def test_an_unknown_comment_is_not_found(self, stage: ForgeStage, comment_id: str) -> None:
        with pytest.raises(NotFoundError):
            await stage.forge.update_comment(comment_id, body="x")
