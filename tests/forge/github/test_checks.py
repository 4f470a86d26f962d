"""Checks, what they wrote, running them again, and what branches demand."""

from __future__ import annotations

import httpx
import pytest
from tests.forge.github.client.scripted import Said, Script
from tests.forge.github.stage import GitHubStage

from adw.domain.account import Permission
from adw.domain.forge_checks import BranchRules, CheckState
from adw.kit.errors import ForgeDeniedError, NotFoundError
from adw.store.db import Database

SHA = "a" * 40


async def test_runs_and_statuses_are_told_in_one_way(stage: GitHubStage):
    sha = await stage.commit("work", {"a": "b"})
    github, name = stage.stand_in, stage.full_name
    github.set_check(name, sha, "ci", "failure", title="2 failed", summary="test_a, test_b")
    github.set_check(name, sha, "lint", "skipped")
    github.set_check(name, sha, "slow", None)
    github.set_check(name, sha, "scan", "success", app="scanner")
    github.set_status(name, sha, "legacy", "error", description="broke")
    github.set_status(name, sha, "deploy", "pending")
    found = {check.name: check for check in await stage.forge.list_checks(sha)}
    assert {check.name: check.state for check in found.values()} == {
        "ci": CheckState.FAILED,
        "lint": CheckState.NEUTRAL,
        "slow": CheckState.PENDING,
        "scan": CheckState.PASSED,
        "legacy": CheckState.FAILED,
        "deploy": CheckState.PENDING,
    }
    assert found["ci"].summary == "2 failed\n\ntest_a, test_b"
    assert (found["ci"].can_rerun, found["slow"].can_rerun, found["legacy"].can_rerun) == (True, False, False)
    assert all(check.sha == sha for check in found.values())


async def test_the_latest_run_of_a_check_counts(stage: GitHubStage):
    sha = await stage.commit("work", {"a": "b"})
    stage.stand_in.set_check(stage.full_name, sha, "ci", "failure")
    [failed] = await stage.forge.list_checks(sha)
    assert await stage.forge.rerun_check(failed)
    [again] = await stage.forge.list_checks(sha)
    assert again.state is CheckState.PENDING
    assert not await stage.forge.rerun_check(again)
    stage.stand_in.set_check(stage.full_name, sha, "ci", "success")
    [passed] = await stage.forge.list_checks(sha)
    assert passed.state is CheckState.PASSED


async def test_a_log_is_read_to_its_end_without_times_and_colours(stage: GitHubStage):
    sha = await stage.commit("work", {"a": "b"})
    log = "2026-05-01T10:00:00.1234567Z \x1b[31mfailed\x1b[0m here\n2026-05-01T10:00:01Z the end\n"
    stage.stand_in.set_check(stage.full_name, sha, "ci", "failure", log="x" * 5000 + "\n" + log)
    [check] = await stage.forge.list_checks(sha)
    assert (await stage.forge.check_log(check, most_chars=40)).endswith("failed here\nthe end\n")
    assert len(await stage.forge.check_log(check, most_chars=40)) <= 40


async def test_a_check_without_a_log_speaks_for_itself(stage: GitHubStage):
    sha = await stage.commit("work", {"a": "b"})
    stage.stand_in.set_check(stage.full_name, sha, "scan", "failure", title="Found", summary="one hole", app="scanner")
    stage.stand_in.set_status(stage.full_name, sha, "legacy", "failure", description="no luck")
    legacy, scan = await stage.forge.list_checks(sha)
    assert await stage.forge.check_log(scan) == "Found\none hole"
    assert await stage.forge.check_log(legacy) == "no luck"


async def test_what_is_no_commit_has_no_checks(stage: GitHubStage):
    assert await stage.forge.list_checks("nonsense") == []
    assert await stage.forge.list_checks("0" * 40) == []


async def test_different_runners_of_one_name_are_judged_by_the_worst(database: Database):
    def run(number: int, app: str, conclusion: str, minute: int) -> dict[str, object]:
        at = f"2026-05-01T10:{minute:02}:00Z"
        return {"id": number, "name": "ci", "status": "completed", "conclusion": conclusion, "app": {"slug": app}} | {
            "started_at": at
        }

    runs = [run(1, "a", "failure", 1), run(2, "b", "success", 5), run(3, "b", "failure", 2), run(4, "c", "odd", 0)]
    script = Script().on(f"GET /repos/o/r/commits/{SHA}/check-runs", Said(json={"check_runs": runs[:3]}))
    script.on(f"GET /repos/o/r/commits/{SHA}/status", Said(json={"statuses": []}))
    [check] = await script.github(database).forge("o/r").list_checks(SHA)
    assert (check.id, check.state) == ("run:1", CheckState.FAILED)
    script = Script().on(f"GET /repos/o/r/commits/{SHA}/check-runs", Said(json={"check_runs": runs[3:]}))
    script.on(f"GET /repos/o/r/commits/{SHA}/status", Said(json={"statuses": None}))
    [odd] = await script.github(database).forge("o/r").list_checks(SHA)
    assert odd.state is CheckState.FAILED


async def test_a_token_that_may_see_no_checks_sees_jobs(database: Database):
    denied = Said(status=403, json={"message": "Resource not accessible by personal access token"})
    job = {"id": 9, "name": "test", "status": "completed", "conclusion": "failure", "head_sha": SHA}
    script = Script().on(f"GET /repos/o/r/commits/{SHA}/check-runs", denied)
    script.on(f"GET /repos/o/r/commits/{SHA}/status", denied)
    script.on("GET /repos/o/r/actions/runs", Said(json={"workflow_runs": [{"id": 4}]}))
    script.on("GET /repos/o/r/actions/runs/4/jobs", Said(json={"jobs": [job]}))
    [check] = await script.github(database).forge("o/r").list_checks(SHA)
    assert (check.id, check.name, check.state, check.can_rerun) == ("job:9", "test", CheckState.FAILED, True)


async def test_annotations_are_part_of_what_a_check_says(database: Database):
    job = {"id": 9, "name": "lint", "status": "completed", "conclusion": "failure", "app": {"slug": "github-actions"}}
    note = {"path": "a.py", "start_line": 3, "annotation_level": "failure", "message": "unused"}
    script = Script().on(f"GET /repos/o/r/commits/{SHA}/check-runs", Said(json={"check_runs": [job]}))
    script.on("GET /repos/o/r/actions/jobs/9/logs", Said(status=410, json={"message": "Gone"}))
    script.on("GET /repos/o/r/check-runs/9", Said(json={**job, "output": {"annotations_count": 1, "text": "All"}}))
    script.on("GET /repos/o/r/check-runs/9/annotations", Said(json=[note]))
    forge = script.github(database).forge("o/r")
    [check] = await forge.list_checks(SHA)
    assert await forge.check_log(check) == "All\na.py:3: failure: unused"


@pytest.mark.parametrize("by_ruleset", [False, True])
async def test_what_a_branch_demands_is_known(stage: GitHubStage, by_ruleset: bool):
    stage.stand_in.protect(
        stage.full_name, "main", checks=["ci", "lint"], strict=True, approvals=2, by_ruleset=by_ruleset
    )
    rules = await stage.forge.branch_rules("main")
    assert rules.is_protected
    assert rules.required_checks == ("ci", "lint")
    stage.stand_in.grant(stage.full_name, stage.ourselves, "admin")
    seen = await stage.forge.branch_rules("main")
    assert (seen.required_approvals, seen.must_be_up_to_date) == (2, True)
    assert seen.required_checks == ("ci", "lint")


async def test_a_branch_that_does_not_exist_demands_nothing(stage: GitHubStage):
    stage.stand_in.world.repository(stage.full_name).methods = ["rebase", "squash"]
    assert await stage.forge.branch_rules("absent/branch") == BranchRules(methods=("squash", "rebase"))


async def test_rules_narrow_the_ways_of_merging(database: Database):
    rules = [
        {"type": "pull_request", "parameters": {"allowed_merge_methods": ["merge", "squash"]}},
        {"type": "required_linear_history"},
        {"type": "required_status_checks", "parameters": {"required_status_checks": [{"context": "ci"}, None]}},
        {"type": "deletion", "parameters": None},
    ]
    script = Script().on("GET /repos/o/r", Said(json={"full_name": "o/r"}))
    script.on("GET /repos/o/r/branches/main", Said(json={"name": "main", "protected": False}))
    script.on("GET /repos/o/r/rules/branches/main", Said(json=rules))
    found = await script.github(database).forge("o/r").branch_rules("main")
    assert found == BranchRules(is_protected=True, required_checks=("ci",), methods=("squash",))


async def test_what_somebody_may_do_is_asked_of_github(stage: GitHubStage):
    for login, permission in (("reads", "read"), ("sorts", "triage"), ("writes", "write"), ("keeps", "maintain")):
        stage.stand_in.grant(stage.full_name, login, permission)
        assert await stage.forge.permission_of(login) is Permission(permission)
    assert await stage.forge.permission_of("nobody-at-all") is Permission.NONE
    assert await stage.forge.permission_of("not a login/..") is Permission.NONE


async def test_a_role_somebody_defined_counts_as_what_it_builds_on(database: Database):
    path = "GET /repos/o/r/collaborators/ada/permission"
    script = Script().on(path, Said(json={"permission": "write", "role_name": "release-captain"}))
    assert await script.github(database).forge("o/r").permission_of("ada") is Permission.WRITE


async def test_who_may_not_ask_is_told_so(database: Database):
    path = "GET /repos/o/r/collaborators/ada/permission"
    script = Script().on(path, Said(status=403, json={"message": "Must have push access"}))
    with pytest.raises(ForgeDeniedError, match="push access"):
        await script.github(database).forge("o/r").permission_of("ada")


async def test_a_repository_tells_what_we_may_do(stage: GitHubStage):
    facts = await stage.github.repository(stage.full_name.upper())
    assert (facts.full_name, facts.default_branch, facts.permission) == (stage.full_name, "main", Permission.WRITE)
    assert [facts.is_private, facts.is_archived, facts.is_fork] == [False] * 3
    assert set(facts.methods) == {"squash", "merge", "rebase"}
    with pytest.raises(NotFoundError):
        await stage.github.repository("acme/absent")


async def test_labels_that_are_gone_already_are_no_error(stage: GitHubStage):
    number = stage.stand_in.add_issue(stage.full_name, "t", labels=["needs work/now?"])
    for _ in range(2):
        await stage.forge.remove_label(number, "needs work/now?")
    await stage.forge.add_labels(number, [])
    assert (await stage.forge.get_issue(number)).labels == ()


async def test_the_clone_address_is_below_the_servers(stage: GitHubStage):
    url = stage.github.clone_url(stage.full_name)
    assert url == f"{stage.stand_in.server_url}/{stage.full_name}.git"
    found = await stage.github.git_credential(url)
    assert found is not None
    assert found.token == stage.token
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"{url}/info/refs?service=git-upload-pack", auth=(found.user, found.token))
    assert answer.status_code == 200
