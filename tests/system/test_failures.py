"""What can go wrong in a run: each gives its class, a message that names it, and next actions; what was done stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from repositories import GREETS, SETTINGS, git, make_repository
from script import (
    NAMED,
    adds_farewell,
    always,
    answer,
    blocks,
    builds,
    call,
    classifies,
    fault,
    plans,
    repairs,
    rule,
    say,
    scenario,
    shell,
    straight,
    write,
)

from adw.domain.failure import POLICIES

pytestmark = pytest.mark.runtime("plain")

HASTY = SETTINGS + "\n[agents]\ntimeout_s = 2\n"
BRIEF = SETTINGS.replace("timeout_s = 20", "timeout_s = 1")
SETS_UP = SETTINGS.replace("setup = false", 'setup = "echo no such thing; exit 3"')
TOKEN = "gh" + "p_" + "a1B2" * 10


@dataclass(frozen=True, kw_only=True)
class Case:
    script: Any
    fails_as: str
    says: str
    phase: str = "build"
    kind: str = "plan-build"
    attempts: int = 1
    files: dict[str, str] = field(default_factory=dict)


CASES = {
    "an answer of another form": Case(
        script=scenario(always("classify", answer(NAMED | {"issue_class": "poem"}), role="classifier")),
        fails_as="agent_error",
        says="classifier did not finish: The agent never gave an answer of the required form",
        phase="plan",
        attempts=2,
    ),
    "words instead of an answer": Case(
        script=scenario(rule("classify", say("It is a feature."), role="classifier")),
        fails_as="agent_error",
        says="classifier did not finish",
        phase="plan",
        attempts=2,
    ),
    "nothing at all": Case(
        script=scenario(classifies(), always("plan", fault("empty"), role="planner")),
        fails_as="agent_error",
        says="the planner did not write specs/",
        phase="plan",
        attempts=2,
    ),
    "an agent that never ends": Case(
        script=scenario(always("classify", say("Well,", turn_ms=60_000), role="classifier")),
        fails_as="agent_error",
        says="classifier did not finish: The agent did not finish within 2 s",
        phase="plan",
        attempts=2,
        files={"adw.toml": HASTY},
    ),
    "a trivial plan": Case(
        script=scenario(classifies(), plans(text="Do it.\n")),
        fails_as="agent_error",
        says="the plan has only 6 characters",
        phase="plan",
        attempts=2,
    ),
    "no change": Case(
        script=scenario(classifies(), plans(), builds()),
        fails_as="agent_error",
        says="the implementor changed nothing",
        attempts=2,
    ),
    "a secret": Case(
        script=straight(build=[adds_farewell(), write("${cwd}/token.txt", f"token = {TOKEN}\n")]),
        fails_as="gate_failed",
        says="the change holds what looks like a secret: a GitHub token in token.txt",
    ),
    "a failing set-up": Case(
        script=straight(),
        fails_as="configuration",
        says="set-up `echo no such thing; exit 3` failed with exit status 3: no such thing",
        phase="plan",
        files={"adw.toml": SETS_UP},
    ),
    "tests that hang": Case(
        script=scenario(classifies(), plans(), builds(adds_farewell()), repairs()),
        fails_as="gate_failed",
        says="the resolver changed nothing",
        phase="test",
        kind="plan-build-test",
        files={"adw.toml": BRIEF, "checks/hangs.sh": "[ -e farewell.txt ] && sleep 100; true\n"},
    ),
    "tests without a report": Case(
        script=scenario(
            classifies(),
            plans(),
            builds(adds_farewell(), write("${cwd}/run-tests.sh", "echo all is well\n")),
            repairs(),
        ),
        fails_as="gate_failed",
        says="the test report cannot be used",
        phase="test",
        kind="plan-build-test",
    ),
    "a repair that repairs nothing": Case(
        script=scenario(
            classifies(),
            plans(),
            builds(adds_farewell(), write("${cwd}/greeting.txt", "bye\n")),
            repairs(shell("date +%N > tried.txt")),
        ),
        fails_as="gate_failed",
        says="1 test failed that did not fail on the base; the last round of repair made no progress",
        phase="test",
        kind="plan-build-test",
    ),
    "an overloaded model": Case(
        script=scenario(always("classify", fault(529), role="classifier")),
        fails_as="transient",
        says="classifier did not finish",
        phase="plan",
        attempts=3,
    ),
    "a refused key": Case(
        script=scenario(always("classify", fault(401), role="classifier")),
        fails_as="configuration",
        says="classifier did not finish",
        phase="plan",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_failure_says_what_happened_and_what_to_do(system, folder, name):
    case = CASES[name]
    system.model.follow(case.script)
    repository = make_repository(folder / "sample", case.files)
    workflow = await system.run(repository, case.kind)

    assert workflow.status == "failed"
    failure = workflow.failure
    assert (failure.failure_class, failure.phase) == (case.fails_as, case.phase), failure
    assert case.says in failure.message, failure.message
    assert all(workflow.adw_id in action for action in failure.next_actions(workflow.adw_id) if "workflow" in action)
    assert failure.next_actions(workflow.adw_id)
    await stays(system, repository, workflow, case)
    told = await system.eventually(lambda: comments(system, workflow, "failed in"), "the failure is told")
    assert len(told) == 1
    assert POLICIES[failure.failure_class].advice in told[0]
    assert TOKEN not in "".join([event.message for event in await system.events(workflow.adw_id, "workflow_failed")])
    await system.nothing_survives()


async def comments(system, workflow, word):
    forge = await system.forge(workflow)
    return [comment.body for comment in await forge.list_comments(workflow.issue_number) if word in comment.body]


async def stays(system, repository, workflow, case):
    """Branch, worktree and finished phases survive; the phase column never claims what failed."""
    rows = [(row.phase, row.attempt, row.status.value) for row in await system.phases(workflow.adw_id)]
    before = {"plan": [], "build": ["plan"], "test": ["plan", "build"]}[case.phase]
    failed = [(case.phase, number + 1, "failed") for number in range(case.attempts)]
    assert rows == [(phase, 1, "completed") for phase in before] + failed
    assert workflow.phase == {"plan": "planning", "build": "building", "test": "testing"}[case.phase]
    if before:
        assert workflow.head_sha == git(repository, "rev-parse", workflow.branch_name)
        assert Path(workflow.worktree_path).is_dir()
    if case.phase == "test":
        assert workflow.pr_state == "draft"


async def test_a_secret_never_reaches_a_remote(system, repository):
    system.model.follow(straight(build=[adds_farewell(), write("${cwd}/token.txt", f"token = {TOKEN}\n")]))
    workflow = await system.run(repository, "plan-build")
    assert workflow.status == "failed"
    remotes = (repository, system.foundation.paths.forge_remote(workflow.project_id))
    for remote in remotes:
        objects = git(remote, "cat-file", "--batch-check", "--batch-all-objects").splitlines()
        blobs = [line.split()[0] for line in objects if line.split()[1] == "blob"]
        assert not any(TOKEN in git(remote, "cat-file", "blob", blob) for blob in blobs), remote


async def test_a_planner_can_write_nothing_but_its_plan(system, repository):
    elsewhere = blocks(call("Write", file_path="${cwd}/greeting.txt", content="bye\n"))
    system.model.follow(scenario(classifies(), plans(elsewhere)))
    workflow = await system.completed((await system.accept(repository, "plan")).adw_id)
    changed = git(repository, "diff", "--name-only", f"main...{workflow.branch_name}")
    assert changed == workflow.plan_file
    refused = [event.message for event in await system.events(workflow.adw_id, "agent_tool_result")]
    assert any("may not be written in this phase" in said for said in refused)


async def test_a_model_that_stumbles_once_is_asked_again(system, repository):
    """One fault of each kind, each at its first sight: overload, limit, error, a stream that breaks."""
    stumbling = [
        always("limit", fault(429), role="classifier", seen=0),
        always("overload", fault(529), role="planner", step=0, seen=0),
        always("error", fault(500), role="planner", step=1, seen=0),
        always("drop", fault("drop"), role="implementor", step=0, seen=0),
        always("cut", fault("cut"), role="implementor", step=1, seen=0),
    ]
    system.model.follow(scenario(*stumbling, classifies(), plans(), builds(adds_farewell())))
    workflow = await system.completed((await system.accept(repository)).adw_id)
    assert workflow.pr_state == "ready"
    assert {entry.fault for entry in system.model.journal.entries} >= {429, 529, 500, "drop", "cut"}
    rows = await system.phases(workflow.adw_id)
    assert {row.attempt for row in rows} == {1}


async def test_tests_that_print_megabytes_are_judged_by_their_report(system, folder):
    floods = {"run-tests.sh": "head -c 9000000 /dev/zero | tr '\\0' x\n" + GREETS["run-tests.sh"]}
    repository = make_repository(folder / "sample", floods)
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    assert workflow.pr_state == "ready"
    events = await system.events(workflow.adw_id)
    assert sum(len(str(event.data)) + len(event.message) for event in events) < 100_000


async def test_a_usage_limit_that_is_not_waited_for_fails_all_and_asks_the_model_no_more(scene, folder):
    repository = make_repository(folder / "sample", {"adw.toml": SETTINGS + "\n[agents]\nwait_for_limit = false\n"})
    scene.model.follow(scenario(always("classify", fault(429, retry_after_s=7200), role="classifier")))
    scene.fork_worker(impatient=True)
    for _ in range(2):
        workflow = await scene.run(repository)
        assert (workflow.status, workflow.failure.failure_class) == ("failed", "usage_limit")
        assert "after it resets" in POLICIES[workflow.failure.failure_class].advice
        assert [row.attempt for row in await scene.phases(workflow.adw_id)] == [1]
    assert len(scene.model.journal.entries) == 1
