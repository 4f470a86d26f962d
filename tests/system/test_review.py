"""Reviews by the real CLI: what blocks is mended and judged anew, and no answer but a good one counts as good."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from repositories import SETTINGS, git, make_repository
from script import (
    PATCHED,
    REPAIRED,
    adds_farewell,
    always,
    answer,
    blocks,
    builds,
    call,
    classifies,
    fault,
    finding,
    patches,
    plans,
    repairs,
    reviews,
    rule,
    say,
    scenario,
    shell,
    write,
)

from adw.domain.workflow import WorkflowOptions
from adw.store import phases
from adw.store.results import get_artifact, list_artifacts

pytestmark = pytest.mark.runtime("plain")

KIND = "plan-build-test-review"
RUDE = finding("farewell.txt: the farewell is rude")
ODD = finding("greeting.txt has an odd name", severity="tech_debt", number=2)
LIMITED = SETTINGS + "\n[gates]\nmax_review_rounds = %s\n"
POLITE = write("${cwd}/polite.txt", "farewell, dear guest\n")
KEEPS_TRYING = shell("date +%N > tried.txt")


def work(*rules):
    return scenario(classifies(), plans(), builds(adds_farewell()), *rules)


async def reviewed(system, workflow):
    """Outcome, verdict and what is said, for each round."""
    async with system.foundation.database.read() as connection:
        rows = await phases.list_evidence(connection, workflow.adw_id)
    return [row.evidence for row in rows if row.evidence.gate == "review"]


async def review_comments(system, workflow):
    forge = await system.forge(workflow)
    comments = await forge.list_comments(workflow.pr_number)
    return [comment.body for comment in comments if comment.body.startswith("**Review:")]


async def data_of(system, workflow):
    return next(row.data for row in await system.phases(workflow.adw_id) if row.phase == "review")


async def test_a_change_without_blockers_is_approved_and_lesser_findings_are_kept(system, repository):
    """The reviewer may read and nothing else: it is refused to write, and has no shell."""
    writes = blocks(call("Write", file_path="${cwd}/mine.txt", content="mine\n"))
    reads = blocks(call("Read", file_path="${cwd}/farewell.txt"))
    whole = blocks(call("Read", file_path="${diff}"))
    in_prompt = r"in the file (?P<diff>\S+change\.diff)\."
    readers = rule(
        "review",
        writes,
        shell("touch mine.txt"),
        reads,
        whole,
        answer({"success": True, "review_summary": "All is well.", "review_issues": [ODD]}),
        role="reviewer",
        any_text=in_prompt,
    )
    system.model.follow(work(readers))
    workflow = await system.completed((await system.accept(repository, KIND)).adw_id)

    assert workflow.pr_state == "ready"
    data = await data_of(system, workflow)
    assert (data["head"], data["rounds"], data["verdict"]) == (workflow.head_sha, 1, "approved")
    assert [(each["id"], each["severity"], each["status"]) for each in data["findings"]] == [(101, "tech_debt", "open")]
    (found,) = await reviewed(system, workflow)
    assert (found.outcome, found.commit, found.data["open"]["tech_debt"]) == ("passed", workflow.head_sha, 1)
    assert "mine.txt" not in git(repository, "ls-tree", "-r", "--name-only", workflow.branch_name)
    results = [each for each in await system.events(workflow.adw_id, "agent_tool_result") if each.phase == "review"]
    refused = [bool(each.data.get("isError")) for each in results]
    assert refused == [True, True, False, False, False], [each.message for each in results]
    assert "+farewell" in results[3].message
    assert "# Plan" not in results[3].message
    (said,) = await review_comments(system, workflow)
    assert "Review: approved" in said
    assert "| 101 | tech_debt | open | greeting.txt has an odd name | Put it right. |" in said
    async with system.foundation.database.read() as connection:
        kept = await get_artifact(connection, adw_id=workflow.adw_id, name=found.data["report"])
    assert orjson.loads(kept.content)["review"]["review_issues"] == [ODD]


async def test_a_blocker_is_mended_tested_and_seen_to_be_gone(system, folder):
    """The patch breaks the end-to-end tests, whose repair is tested and reviewed as well."""
    script = work(
        reviews(RUDE, ODD, round_number=1),
        patches(POLITE),
        repairs(write("${cwd}/licence.txt", "yes\n")),
        reviews(round_number=2),
    )
    system.model.follow(script)
    e2e = 'e2e = "[ ! -e polite.txt ] || [ -e licence.txt ]"\n'
    repository = make_repository(folder / "sample", {"adw.toml": SETTINGS + e2e})
    workflow = await system.completed((await system.accept(repository, KIND)).adw_id)

    assert workflow.pr_state == "ready"
    first, second = await reviewed(system, workflow)
    assert (first.outcome, first.data["blockers"]) == ("failed", {"open": [101], "new": [101], "fixed": []})
    assert (second.outcome, second.data["blockers"]) == ("passed", {"open": [], "new": [], "fixed": [101]})
    assert second.commit == workflow.head_sha != first.commit
    evidence = await system.evidence(workflow.adw_id)
    assert {evidence[gate].commit for gate in ("tests", "e2e")} == {workflow.head_sha}
    log = git(repository, "log", "--format=%s", f"main..{workflow.branch_name}").splitlines()
    assert log[:2] == [REPAIRED["commit_message"], PATCHED["commit_message"]]
    data = await data_of(system, workflow)
    assert [(each["id"], each["status"]) for each in data["findings"]] == [(101, "fixed"), (102, "open")]
    assert system.model.conversations("reviewer") == 2
    assert system.model.conversations("patcher") == 1
    assert len(await review_comments(system, workflow)) == 1


@dataclass(frozen=True, kw_only=True)
class Case:
    rules: list[Any]
    verdict: str
    says: str
    rounds: int
    patches: int
    limit: int = 3
    request: dict[str, Any] = field(default_factory=dict)


CASES = {
    "always the same blocker": Case(
        rules=[reviews(RUDE), patches(KEEPS_TRYING)],
        verdict="stagnant",
        says="1 blocker is open after 2 rounds of review (stagnant): 101: farewell.txt: the farewell is rude;"
        " none was mended",
        rounds=2,
        patches=1,
    ),
    "another blocker each time": Case(
        rules=[
            reviews(RUDE, round_number=1),
            reviews(finding("Strangers may delete accounts"), round_number=2),
            patches(KEEPS_TRYING),
        ],
        verdict="diverging",
        says="1 blocker is open after 2 rounds of review (diverging): 201: Strangers may delete accounts",
        rounds=2,
        patches=1,
        limit=2,
    ),
    "a patcher that changes nothing": Case(
        rules=[reviews(RUDE), patches()],
        verdict="stagnant",
        says="the patcher changed nothing",
        rounds=1,
        patches=1,
    ),
    "a rejection without a blocker": Case(
        rules=[reviews(ODD, success=False)],
        verdict="contradictory",
        says="the reviewer rejected the work without naming a blocker, and did so again when asked anew",
        rounds=2,
        patches=0,
    ),
    "a blocker that nobody may mend": Case(
        rules=[reviews(RUDE)],
        verdict="converging",
        says="repairing is switched off",
        rounds=1,
        patches=0,
        request={"options": WorkflowOptions(auto_resolve=False)},
    ),
    "praise beside a blocker, in the only round": Case(
        rules=[reviews(RUDE, success=True, review_summary="No blockers found.")],
        verdict="converging",
        says="there are no rounds left",
        rounds=1,
        patches=0,
        limit=1,
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_review_that_leads_nowhere_ends(system, folder, name):
    case = CASES[name]
    system.model.follow(work(*case.rules))
    repository = make_repository(folder / "sample", {"adw.toml": LIMITED % case.limit})
    workflow = await system.run(repository, "plan-build-review", **case.request)

    assert (workflow.status, workflow.failure.failure_class) == ("failed", "gate_failed"), workflow.failure
    assert case.says in workflow.failure.message, workflow.failure.message
    assert (workflow.phase, workflow.pr_state) == ("reviewing", "draft")
    found = await reviewed(system, workflow)
    assert {each.outcome.value for each in found} == {"failed"}
    assert system.model.conversations("reviewer") == case.rounds
    assert system.model.conversations("patcher") == case.patches
    (said,) = await review_comments(system, workflow)
    assert f"Review: not approved ({case.verdict})" in said
    async with system.foundation.database.read() as connection:
        kept = [each.name for each in await list_artifacts(connection, workflow.adw_id)]
    assert [name for name in kept if name.startswith("review-")] == [
        f"review-1-{number + 1}.json" for number in range(case.rounds)
    ]


@pytest.mark.parametrize(
    "reply",
    [answer({"success": "maybe", "review_issues": "none"}), fault("empty"), say("No blockers found.")],
    ids=["another form", "nothing", "words"],
)
async def test_an_answer_that_is_no_review_never_counts_as_a_good_one(system, repository, reply):
    system.model.follow(work(always("review", reply, role="reviewer")))
    workflow = await system.run(repository, "plan-build-review")
    assert (workflow.status, workflow.failure.failure_class) == ("failed", "agent_error"), workflow.failure
    assert "the reviewer did not finish" in workflow.failure.message
    assert await reviewed(system, workflow) == []
    attempts = [row.attempt for row in await system.phases(workflow.adw_id) if row.phase == "review"]
    assert attempts == [1, 2]


async def test_a_project_may_want_no_review(system, folder):
    system.model.follow(work())
    repository = make_repository(folder / "sample", {"adw.toml": LIMITED % 0})
    workflow = await system.completed((await system.accept(repository, "plan-build-review")).adw_id)
    (found,) = await reviewed(system, workflow)
    assert (found.outcome, found.commit) == ("not_applicable", workflow.head_sha)
    assert "max_review_rounds = 0" in found.summary
    assert system.model.conversations("reviewer") == 0
