"""Where GitHub differs from what every forge does: drafts it may refuse, merges it may refuse, reviews of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from tests.forge.github.client.scripted import HASTY, Said, Script
from tests.forge.github.stage import GitHubStage
from tests.forge.github.trouble import TroubledNetwork
from tests.forge.stage import open_pull

from adw.domain.forge import HeadMoved, MergeConflict, Merged, MergeMethod, NotMergeable, ReviewComment
from adw.kit.errors import ConflictError, ForgeError, ForgeUnclearError
from adw.store.db import Database

KEY = "1a2b3c4d:pr"
SHA = "a" * 40


@pytest.fixture
def without_drafts(stage: GitHubStage) -> GitHubStage:
    stage.stand_in.world.repository(stage.full_name).drafts = False
    return stage


async def test_where_drafts_are_refused_the_title_says_it(without_drafts: GitHubStage):
    stage = without_drafts
    pull = await open_pull(stage, draft=True, key=KEY)
    record = stage.stand_in.issue(stage.full_name, pull.number)
    assert (pull.title, pull.state, record.title) == ("Add work", "draft", "[WIP] Add work")
    assert await open_pull(stage, pushed=True, draft=True, key=KEY) == pull
    renamed = await stage.forge.update_pull_request(pull.number, title="Add more")
    assert (renamed.title, record.title) == ("Add more", "[WIP] Add more")
    refused = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
    assert isinstance(refused, NotMergeable)
    ready = await stage.forge.mark_ready(pull.number)
    assert (ready.title, ready.state, record.title) == ("Add more", "ready", "Add more")
    again = await stage.forge.mark_draft(pull.number)
    assert (again.state, record.title) == ("draft", "[WIP] Add more")


async def test_a_persons_title_is_their_own(stage: GitHubStage):
    await stage.commit("theirs", {"a": "b"})
    number = stage.stand_in.open_pull(stage.full_name, head="theirs", title="[WIP] Mine", by="ada")
    pull = await stage.forge.get_pull_request(number)
    assert (pull.title, pull.state) == ("[WIP] Mine", "ready")


@pytest.mark.parametrize(
    ("method", "subjects"),
    [
        ("squash", ["Both", "Begin"]),
        ("merge", ["Both", "Change something", "Change something", "Begin"]),
        ("rebase", ["Change something", "Change something", "Begin"]),
    ],
)
async def test_there_are_three_ways_to_merge(stage: GitHubStage, method: MergeMethod, subjects: list[str]):
    await stage.commit("work", {"one": "1"})
    head = await stage.commit("work", {"two": "2"})
    pull = await open_pull(stage, pushed=True)
    outcome = await stage.forge.merge_pull_request(
        pull.number, expected_head_sha=head, message="Both\n\nBecause.", method=method
    )
    assert isinstance(outcome, Merged)
    assert sorted(await stage.commits_on("main")) == sorted(subjects)  # several of one second
    assert await stage.forge.find_merge_on_base(sha=outcome.sha, base="main")


async def test_a_merge_that_lacks_a_check_says_which(stage: GitHubStage):
    stage.stand_in.protect(stage.full_name, "main", checks=["ci / test"])
    pull = await open_pull(stage)
    outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
    assert isinstance(outcome, NotMergeable)
    assert "ci / test" in outcome.reason
    stage.stand_in.set_check(stage.full_name, pull.head_sha, "ci / test")
    done = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
    assert isinstance(done, Merged)


async def test_a_conflict_names_what_both_sides_changed_renames_too(stage: GitHubStage):
    await stage.commit("main", {"old.txt": "text\n" * 20, "other.txt": "x\n"})
    await stage.commit("work", {"old.txt": "mine\n" * 20, "fine.txt": "x\n"})
    pull = await open_pull(stage, pushed=True)
    await stage.commit("main", {"old.txt": "theirs\n" * 20, "third.txt": "x\n"})
    outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
    assert outcome == MergeConflict(files=("old.txt",))


async def test_a_merge_that_is_not_shown_yet_is_found(stage: GitHubStage):
    pull = await open_pull(stage)
    stage.stand_in.faults.add("lost", method="PUT", path="/merge$")
    stage.stand_in.faults.add("stale", method="PUT", path="/merge$", reads=5)
    outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="Once")
    assert isinstance(outcome, Merged)
    assert (await stage.commits_on("main")).count("Once") == 1


async def test_a_head_that_was_just_pushed_is_seen_on_its_branch(stage: GitHubStage):
    pull = await open_pull(stage)
    network = TroubledNetwork()
    forge = stage.connected(stage.token, http=httpx.AsyncClient(transport=network))
    moved = await forge.merge_pull_request(pull.number, expected_head_sha="0" * 40, message="x")
    assert moved == HeadMoved(expected_sha="0" * 40, actual_sha=pull.head_sha)
    assert network.asked[-1].endswith("/git/ref/heads/work")
    assert not [request for request in network.asked if request.startswith("PUT")]


async def test_a_merge_that_may_have_happened_is_never_called_refused(database: Database):
    pull = {"number": 1, "head": {"ref": "w", "sha": SHA}, "base": {"ref": "main"}, "mergeable": True}
    refused = Said(status=405, json={"message": 'Required status check "ci" is expected.'})
    script = Script().on("GET /user", Said(json={"login": "adw"})).on("GET /repos/o/r/pulls/1", Said(json=pull))
    script.on("PUT /repos/o/r/pulls/1/merge", Said(status=502), refused)
    forge = script.github(database).forge("o/r")
    with pytest.raises(ForgeUnclearError):
        await forge.merge_pull_request(1, expected_head_sha=SHA, message="x")
    again = await forge.merge_pull_request(1, expected_head_sha=SHA, message="x")
    assert again == NotMergeable(reason='Required status check "ci" is expected.')


@pytest.mark.parametrize(
    ("status", "message"),
    [(405, "Base branch was modified. Review and try the merge again."), (409, "Head branch was modified.")],
)
async def test_what_may_pass_is_tried_again_and_then_said(database: Database, status: int, message: str):
    pull = {"number": 1, "head": {"ref": "w", "sha": SHA}, "base": {"ref": "main"}}
    script = Script().on("GET /user", Said(json={"login": "adw"})).on("GET /repos/o/r/pulls/1", Said(json=pull))
    script.on("GET /repos/o/r/git/ref/heads/w", Said(json={"ref": "refs/heads/w", "object": {"sha": SHA}}))
    script.on("PUT /repos/o/r/pulls/1/merge", Said(status=status, json={"message": message}))
    outcome = await script.github(database).forge("o/r").merge_pull_request(1, expected_head_sha=SHA, message="x")
    assert outcome == NotMergeable(reason=message)
    assert len([path for path in script.paths() if path.startswith("PUT")]) == len(HASTY.looks_s) + 1


async def test_a_draft_that_cannot_be_ended_is_a_conflict(database: Database):
    pull = {"number": 1, "node_id": "P1", "draft": True, "user": {"login": "adw"}}
    script = Script().on("GET /user", Said(json={"login": "adw"})).on("GET /repos/o/r/pulls/1", Said(json=pull))
    said = {"errors": [{"type": "UNPROCESSABLE", "message": "Not now"}]}
    script.on("POST /graphql", Said(json=said), Said(json={"data": {}}))
    forge = script.github(database).forge("o/r")
    with pytest.raises(ConflictError, match="Not now"):
        await forge.mark_ready(1)
    shown_late = await forge.mark_ready(1)
    assert shown_late.state == "ready"


async def test_what_was_to_be_merged_later_need_not_be(stage: GitHubStage):
    stage.stand_in.protect(stage.full_name, "main", checks=["ci"])
    pull = await open_pull(stage)
    await stage.forge.enable_auto_merge(pull.number, expected_head_sha=pull.head_sha, message="Later")
    await stage.forge.disable_auto_merge(pull.number)
    stage.stand_in.set_check(stage.full_name, pull.head_sha, "ci")
    assert (await stage.forge.get_pull_request(pull.number)).state == "ready"


async def test_a_way_of_merging_that_is_not_allowed_is_refused(stage: GitHubStage):
    stage.stand_in.world.repository(stage.full_name).methods = ["merge"]
    pull = await open_pull(stage)
    outcome = await stage.forge.merge_pull_request(pull.number, expected_head_sha=pull.head_sha, message="x")
    assert isinstance(outcome, NotMergeable)
    assert "squash" in outcome.reason.lower()


async def test_merged_later_when_all_is_green(stage: GitHubStage):
    stage.stand_in.protect(stage.full_name, "main", checks=["ci"])
    pull = await open_pull(stage)
    await stage.forge.enable_auto_merge(pull.number, expected_head_sha=pull.head_sha, message="Later\n\nAll green.")
    stage.stand_in.set_check(stage.full_name, pull.head_sha, "ci")
    assert (await stage.forge.get_pull_request(pull.number)).state == "merged"
    assert (await stage.commits_on("main"))[0].startswith("Later")


async def test_nobody_approves_their_own_work(stage: GitHubStage):
    pull = await open_pull(stage)
    with pytest.raises(ConflictError, match="approve their own"):
        await stage.forge.add_review(pull.number, state="approved", body="", key=KEY)
    assert (await stage.forge.add_review(pull.number, state="commented", body="Hm", key=KEY)).state == "commented"


async def test_a_remark_on_a_line_outside_the_diff_goes_into_the_text(stage: GitHubStage):
    pull = await open_pull(stage)
    remarks = [ReviewComment(path="work.txt", line=1, body="in"), ReviewComment(path="README.md", line=900, body="out")]
    review = await stage.forge.add_review(pull.number, state="commented", body="Hm", key=KEY, comments=remarks)
    assert "**README.md:900**: out" in review.body
    assert review.comments == () or review.comments == (remarks[0],)


async def test_an_approval_without_words_keeps_its_key(stage: GitHubStage):
    pull = stage.person("ada")
    await stage.commit("theirs", {"a": "b"})
    number = (
        await pull.ensure_pull_request(head="theirs", base="main", title="t", body="", draft=False, key=None)
    ).number
    first = await stage.forge.add_review(number, state="approved", body="", key=KEY)
    assert first.body == ""
    assert await stage.forge.add_review(number, state="approved", body="", key=KEY) == first


async def test_a_review_by_somebody_else_is_read(stage: GitHubStage):
    pull = await open_pull(stage)
    stage.stand_in.review(stage.full_name, pull.number, "REQUEST_CHANGES", by="ada", body="No")
    [review] = await stage.forge.list_reviews(pull.number)
    assert (review.state, review.author, review.is_dismissed) == ("changes_requested", "ada", False)


async def test_a_hundred_comments_and_more_are_all_read(stage: GitHubStage):
    number = stage.stand_in.add_issue(stage.full_name, "Long")
    for count in range(105):
        stage.stand_in.comment(stage.full_name, number, f"c{count}", by="ada")
    ours = await stage.forge.create_comment(number, body="ours", key=KEY)
    found = await stage.forge.list_comments(number)
    assert [comment.body for comment in found] == [*(f"c{count}" for count in range(105)), "ours"]
    assert await stage.forge.create_comment(number, body="ours", key=KEY) == ours


async def test_what_a_deleted_account_wrote_is_the_ghosts(stage: GitHubStage):
    stage.stand_in.add_user("gone")
    number = stage.stand_in.add_issue(stage.full_name, "Old", author="gone")
    stage.stand_in.comment(stage.full_name, number, "bye", by="gone")
    stage.stand_in.remove_user("gone")
    assert (await stage.forge.get_issue(number)).author == "ghost"
    assert [comment.author for comment in await stage.forge.list_comments(number)] == ["ghost"]


async def test_two_processes_make_one_comment(stage: GitHubStage):
    number = stage.stand_in.add_issue(stage.full_name, "t")
    others = [stage.connected(stage.token) for _ in range(3)]
    made = await asyncio.gather(*(forge.create_comment(number, body="x", key=KEY) for forge in (stage.forge, *others)))
    assert len({comment.id for comment in made}) == 1
    assert len(await stage.forge.list_comments(number)) == 1


async def test_an_issues_number_is_no_pull_request_and_the_other_way_round(stage: GitHubStage):
    issue = stage.stand_in.add_issue(stage.full_name, "t")
    pull = await open_pull(stage)
    for attempt in (stage.forge.get_pull_request(issue), stage.forge.get_issue(pull.number)):
        with pytest.raises(Exception, match=r"#\d") as caught:
            await attempt
        assert type(caught.value).__name__ == "NotFoundError"


async def test_a_diff_that_is_too_large_is_put_together_from_its_files(stage: GitHubStage):
    pull = await open_pull(stage)

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if "diff" in request.headers["accept"]:
            body = {"message": "Sorry, the diff exceeded the maximum number of lines (20000)", "errors": []}
            return httpx.Response(406, json=body, request=request)
        return None

    forge = stage.connected(stage.token, http=httpx.AsyncClient(transport=Refusing(refuse)))
    diff = await forge.diff(pull.number)
    assert diff.startswith("diff --git a/work.txt b/work.txt\n--- /dev/null\n+++ b/work.txt\n@@ ")
    assert "+new" in diff


async def test_a_diff_github_shows_nothing_of_is_the_forges_failure(stage: GitHubStage):
    pull = await open_pull(stage)

    def refuse(request: httpx.Request) -> httpx.Response | None:
        if "diff" in request.headers["accept"]:
            return httpx.Response(406, json={"message": "too large"}, request=request)
        return httpx.Response(200, json=[], request=request) if request.url.path.endswith("/files") else None

    forge = stage.connected(stage.token, http=httpx.AsyncClient(transport=Refusing(refuse)))
    with pytest.raises(ForgeError, match="shows no diff"):
        await forge.diff(pull.number)


class Refusing(httpx.AsyncBaseTransport):
    """Answers some requests itself."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response | None]) -> None:
        self._answer = answer
        self._inner = httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request) or await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()
