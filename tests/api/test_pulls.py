from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.api.problem import unusable
from tests.api.stage import WORKFLOWS, Stage, git

from adw.kit.paths import DataPaths


async def offered(stage: Stage, **pull) -> tuple[str, str, str]:
    """A workflow with a pull request: its id, the pull request's address and its head."""
    workflow = await stage.work()
    made = await stage.pull(workflow, **pull)
    return workflow.adw_id, f"/api/projects/{workflow.project_id}/pulls/{made.number}", made.head_sha


async def types_of(stage: Stage, adw_id: str) -> list[str]:
    return [event["type"] for event in (await stage.http.get(f"{WORKFLOWS}/{adw_id}/events")).json()["events"]]


class TestReading:
    async def test_a_pull_request_is_listed_and_shown_with_its_workflow(self, stage: Stage):
        adw_id, url, head = await offered(stage)
        listed = (await stage.http.get(url.rpartition("/")[0])).json()["pulls"]
        shown = (await stage.http.get(url)).json()
        assert listed[0].items() <= shown.items()
        assert (shown["state"], shown["headSha"], shown["adwId"]) == ("ready", head, adw_id)
        assert (shown["comments"], shown["reviews"]) == ([], [])
        assert (await stage.http.get(url.rpartition("/")[0], params={"state": "merged"})).json()["pulls"] == []

    async def test_its_diff_is_text(self, stage: Stage):
        _, url, _ = await offered(stage)
        answer = await stage.http.get(f"{url}/diff")
        assert answer.headers["content-type"].startswith("text/x-diff")
        assert "+today" in answer.text

    async def test_one_that_is_nobodys_has_no_workflow(self, stage: Stage):
        adw_id, url, _ = await offered(stage)
        await stage.change(adw_id, pr_number=None)
        assert (await stage.http.get(url)).json()["adwId"] is None
        answer = await stage.http.post(f"{url}/merge")
        assert (answer.status_code, answer.json()["adwId"]) == (200, None)

    async def test_an_issue_is_not_a_pull_request(self, stage: Stage):
        _, url, _ = await offered(stage)
        base = url.rpartition("/")[0]
        for method, path in (("GET", "/1"), ("GET", "/1/diff"), ("POST", "/1/merge"), ("POST", "/1/close")):
            assert (await stage.http.request(method, f"{base}{path}")).status_code == 404
        assert (await stage.http.post(f"{base}/1/comments", json={"body": "b"})).status_code == 404


class TestDiscussing:
    async def test_comments_and_reviews_are_kept_in_order(self, stage: Stage):
        _, url, head = await offered(stage)
        await stage.http.post(f"{url}/comments", json={"body": "Nice", "actor": "kim"})
        remark = {"path": "date.txt", "line": 1, "body": "why?"}
        sent = {"state": "changes_requested", "body": "Hm", "comments": [remark, {"path": "a", "body": "b"}]}
        review = await stage.http.post(f"{url}/reviews", json={**sent, "actor": "pat"})
        assert review.status_code == 201
        assert (review.json()["headSha"], review.json()["author"]) == (head, "pat")
        shown = (await stage.http.get(url)).json()
        assert [item["body"] for item in shown["comments"]] == ["Nice"]
        assert shown["reviews"][0]["comments"] == [remark, {"path": "a", "line": None, "body": "b"}]

    async def test_a_repeated_key_reviews_once(self, stage: Stage):
        _, url, _ = await offered(stage)
        for _ in range(2):
            await stage.http.post(f"{url}/reviews", json={"state": "approved"}, headers={"Idempotency-Key": "k"})
        assert len((await stage.http.get(url)).json()["reviews"]) == 1

    @pytest.mark.parametrize(
        "sent",
        [
            {},
            {"state": "maybe"},
            {"state": "commented"},
            {"state": "approved", "comments": [{"path": "", "body": "b"}]},
            {"state": "approved", "comments": [{"path": "a", "line": 0, "body": "b"}]},
            {"state": "approved", "comments": [{"path": "a", "body": "b", "side": "LEFT"}]},
        ],
    )
    async def test_a_review_that_says_nothing_is_refused(self, stage: Stage, sent: dict):
        _, url, _ = await offered(stage)
        answer = await stage.http.post(f"{url}/reviews", json=sent)
        unusable(answer)


class TestMerging:
    async def test_a_merge_reaches_the_repository_the_workflow_and_the_issue(self, stage: Stage):
        adw_id, url, head = await offered(stage)
        answer = await stage.http.post(f"{url}/merge", json={"expectedHeadSha": head, "actor": "pat"})
        merged = answer.json()
        assert (answer.status_code, merged["merged"], merged["adwId"]) == (200, True, adw_id)
        assert merged["pull"]["state"] == "merged"
        assert git(stage.repository, "rev-parse", "main").strip() == merged["sha"]
        assert (stage.repository / "date.txt").read_text() == "today\n"
        assert git(stage.repository, "log", "-1", "--format=%s").startswith("Fix the date (#2)")
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert view["prState"] == "merged"
        assert (await types_of(stage, adw_id))[-1] == "pull_request_merged"
        issue = (await stage.http.get(f"{url.partition('/pulls')[0]}/issues/{view['issueNumber']}")).json()
        assert issue["state"] == "closed"

    async def test_merging_twice_tells_the_same_and_writes_one_event(self, stage: Stage):
        adw_id, url, _ = await offered(stage)
        first, second = (await stage.http.post(f"{url}/merge")).json(), (await stage.http.post(f"{url}/merge")).json()
        assert first["sha"] == second["sha"]
        assert (await types_of(stage, adw_id)).count("pull_request_merged") == 1

    async def test_a_merge_that_was_interrupted_is_completed_by_repeating_it(self, stage: Stage):
        adw_id, url, _ = await offered(stage)
        await stage.http.post(f"{url}/merge")
        await stage.change(adw_id, pr_state="ready")
        await stage.http.post(f"{url}/merge")
        assert (await stage.row(adw_id)).pr_state == "merged"

    async def test_many_merges_at_once_merge_once(self, stage: Stage):
        adw_id, url, _ = await offered(stage)
        answers = await asyncio.gather(*(stage.http.post(f"{url}/merge") for _ in range(4)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["sha"] for answer in answers}) == 1
        assert (await types_of(stage, adw_id)).count("pull_request_merged") == 1

    async def test_the_message_may_be_given(self, stage: Stage):
        _, url, _ = await offered(stage)
        await stage.http.post(f"{url}/merge", json={"message": "My words"})
        assert git(stage.repository, "log", "-1", "--format=%s").strip() == "My words"

    async def test_a_head_that_is_not_the_expected_one_is_not_merged(self, stage: Stage):
        _, url, _ = await offered(stage)
        answer = await stage.http.post(f"{url}/merge", json={"expectedHeadSha": "e" * 40})
        assert (answer.status_code, answer.json()["code"]) == (409, "head_moved")

    async def test_a_conflict_names_the_files(self, stage: Stage):
        adw_id, url, _ = await offered(stage, files={"README.md": "ours\n"})
        (stage.repository / "README.md").write_text("theirs\n")
        git(stage.repository, "commit", "--quiet", "-a", "-m", "Change")
        answer = await stage.http.post(f"{url}/merge")
        assert (answer.status_code, answer.json()["code"]) == (409, "merge_conflict")
        assert "README.md" in answer.json()["detail"]
        assert (await stage.row(adw_id)).pr_state == "ready"

    async def test_a_draft_is_made_ready_first(self, stage: Stage):
        adw_id, url, _ = await offered(stage, draft=True)
        refused = await stage.http.post(f"{url}/merge")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_mergeable")
        assert "draft" in refused.json()["detail"]
        assert (await stage.http.post(f"{url}/ready", json={"actor": "pat"})).json()["pull"]["state"] == "ready"
        assert (await stage.row(adw_id)).pr_state == "ready"
        assert (await types_of(stage, adw_id))[-1] == "pull_request_updated"
        assert (await stage.http.post(f"{url}/merge")).status_code == 200
        assert (await stage.http.post(f"{url}/ready")).json()["pull"]["state"] == "merged"

    @pytest.mark.parametrize(
        "sent", [{"expectedHeadSha": "HEAD"}, {"expectedHeadSha": "--all"}, {"message": ""}, {"method": "rebase"}]
    )
    async def test_a_merge_that_makes_no_sense_is_refused(self, stage: Stage, sent: dict):
        _, url, _ = await offered(stage)
        answer = await stage.http.post(f"{url}/merge", json=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "usage")

    async def test_a_dirty_checkout_is_left_alone_and_the_note_says_what_to_do(self, stage: Stage):
        _, url, _ = await offered(stage)
        (stage.repository / "README.md").write_text("mine\n")
        merged = (await stage.http.post(f"{url}/merge")).json()
        assert merged["note"]
        assert (stage.repository / "README.md").read_text() == "mine\n"


class TestClosing:
    async def test_closing_tells_the_workflow_and_leaves_the_issue(self, stage: Stage):
        adw_id, url, _ = await offered(stage)
        for _ in range(2):
            assert (await stage.http.post(f"{url}/close")).json()["pull"]["state"] == "closed"
        assert (await types_of(stage, adw_id)).count("pull_request_updated") == 1
        view = (await stage.http.get(f"{WORKFLOWS}/{adw_id}")).json()
        assert view["prState"] == "closed"
        issue = (await stage.http.get(f"{url.partition('/pulls')[0]}/issues/{view['issueNumber']}")).json()
        assert issue["state"] == "open"

    async def test_a_merged_one_cannot_be_closed_nor_a_closed_one_merged_or_made_ready(self, stage: Stage):
        _, url, _ = await offered(stage)
        await stage.http.post(f"{url}/merge")
        assert (await stage.http.post(f"{url}/close")).status_code == 409
        other = await stage.work("Another")
        pull = await stage.pull(other, files={"other.txt": "x\n"})
        url = f"/api/projects/{other.project_id}/pulls/{pull.number}"
        await stage.http.post(f"{url}/close")
        assert (await stage.http.post(f"{url}/merge")).status_code == 409
        assert (await stage.http.post(f"{url}/ready")).status_code == 409


async def test_a_forge_that_fails_is_told_as_what_it_is(stage: Stage):
    adw_id, url, _ = await offered(stage)
    project_id = url.split("/")[3]
    bare: Path = DataPaths(stage.root).forge_remote(project_id)
    blob = git(bare, "rev-parse", "work-" + adw_id + ":date.txt").strip()
    (bare / "objects" / blob[:2] / blob[2:]).unlink()
    answer = await stage.http.get(f"{url}/diff")
    assert (answer.status_code, answer.json()["code"]) == (500, "git")
