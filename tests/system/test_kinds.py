"""Kinds and phases of a repository, end-to-end tests, single phases on earlier work, prompts of the base commit."""

from __future__ import annotations

import pytest
from repositories import SETTINGS, commit, git, make_repository, write_files
from script import (
    REPAIRED,
    adds_farewell,
    answer,
    builds,
    classifies,
    plans,
    repairs,
    reviews,
    rule,
    scenario,
    shell,
    straight,
    write,
)

from adw.control.follow_up import FollowUp, follow_up
from adw.domain.workflow import WorkflowOptions
from adw.intake.service import WorkRequest

pytestmark = pytest.mark.runtime("plain")

CUSTOM = (
    SETTINGS
    + """
[workflows.seen-off]
phases = ["plan", "build", "stamp", "translate", "test"]
[phases.stamp]
command = { run = "cat farewell.txt > stamp.txt && echo stamped", timeout_s = 20 }
[phases.translate]
prompt = ".adw/prompts/translate.md"
"""
)
TRANSLATE = "Say every farewell in French as well, in `adieu.txt`."
E2E = SETTINGS + 'e2e = { run = "sh e2e.sh", timeout_s = 20 }\n'
SPECIAL = {"summary": "It is said in French.", "commit_message": "Say it in French"}


def performs(*steps, **when):
    return rule("perform", *steps, answer(SPECIAL), role="specialist", **when)


async def files_at(repository, sha):
    return git(repository, "ls-tree", "-r", "--name-only", sha).splitlines()


async def test_a_kind_of_the_repository_runs_its_own_commands_and_prompts(system, folder):
    files = {"adw.toml": CUSTOM, ".adw/prompts/translate.md": TRANSLATE}
    repository = make_repository(folder / "sample", files)
    adieu = performs(write("${cwd}/adieu.txt", "adieu\n"), any_text=r"every farewell in French")
    system.model.follow(scenario(classifies(), plans(), builds(adds_farewell()), adieu))

    workflow = await system.completed((await system.accept(repository, "seen_off")).adw_id)

    assert workflow.phases == ("plan", "build", "stamp", "translate", "test", "finish")
    assert workflow.pr_state == "ready"
    assert {"stamp.txt", "adieu.txt", "farewell.txt"} <= set(await files_at(repository, workflow.branch_name))
    evidence = await system.evidence(workflow.adw_id)
    assert evidence["stamp"].outcome == "passed"
    assert "stamped" in evidence["stamp"].data["output"]
    assert evidence["stamp"].commit != workflow.head_sha
    said = git(repository, "log", "-2", "--format=%s", workflow.branch_name).splitlines()
    assert said == ["Say it in French", "stamp: Say farewell"]
    assert [event.phase for event in await system.events(workflow.adw_id, "phase_completed")] == list(workflow.phases)


async def test_a_command_of_the_repository_that_fails_keeps_nothing_and_fails_its_gate(system, folder):
    settings = SETTINGS + '[workflows.w]\nphases = ["sweep"]\n[phases.sweep]\ncommand = "touch dust; echo no; exit 3"\n'
    repository = make_repository(folder / "sample", {"adw.toml": settings})
    system.model.follow(scenario())

    workflow = await system.run(repository, "w")

    assert (workflow.status, workflow.failure.failure_class, workflow.failure.phase) == (
        "failed",
        "gate_failed",
        "sweep",
    )
    assert "exit status 3: no" in workflow.failure.message
    found = (await system.evidence(workflow.adw_id))["sweep"]
    assert (found.outcome, found.commit) == ("failed", workflow.base_sha)
    assert (workflow.head_sha, workflow.pr_number, system.model.journal.entries) == (None, None, ())


async def test_a_prompt_of_the_repository_may_change_nothing_and_a_command_that_hangs_is_ended(system, folder):
    settings = (
        SETTINGS
        + """
[workflows.look]
phases = ["ask"]
[workflows.hang]
phases = ["wait"]
[phases.ask]
prompt = "ask.md"
[phases.wait]
command = { run = "echo waiting; sleep 30", timeout_s = 0.3 }
"""
    )
    repository = make_repository(folder / "sample", {"adw.toml": settings, "ask.md": "Is the greeting polite?"})
    system.model.follow(scenario(performs(any_text="Is the greeting polite")))

    workflow = await system.completed((await system.accept(repository, "look")).adw_id)
    assert (workflow.head_sha, workflow.pr_number) == (None, None)
    assert "ask changed nothing" in [event.message for event in await system.events(workflow.adw_id, "phase_progress")]

    workflow = await system.run(repository, "hang")
    assert workflow.failure.failure_class == "gate_failed"
    assert "did not end within 0.3 s" in workflow.failure.message
    found = (await system.evidence(workflow.adw_id))["wait"]
    assert (found.data["timedOut"], found.data["output"]) == (True, "waiting\n")


async def test_end_to_end_tests_follow_the_tests_and_are_repaired_likewise(system, folder):
    repository = make_repository(folder / "sample", {"adw.toml": E2E, "e2e.sh": "grep -q hello greeting.txt\n"})
    breaks = shell("printf 'grep -q hallo greeting.txt\\n' > e2e.sh")
    says_both = write("${cwd}/greeting.txt", "hello, hallo\n")
    system.model.follow(scenario(classifies(), plans(), builds(adds_farewell(), breaks), repairs(says_both)))

    workflow = await system.completed((await system.accept(repository)).adw_id)

    evidence = await system.evidence(workflow.adw_id)
    assert {gate: evidence[gate].outcome for gate in ("tests", "e2e")} == {"tests": "passed", "e2e": "passed"}
    assert {evidence[gate].commit for gate in ("tests", "e2e")} == {workflow.head_sha}
    data = next(row.data for row in await system.phases(workflow.adw_id) if row.phase == "test")
    assert (data["e2e"]["rounds"], data["rounds"]) == (1, 0)
    assert workflow.pr_state == "ready"

    skipped = await system.completed((await system.accept(repository, options=WorkflowOptions(skip_e2e=True))).adw_id)
    found = (await system.evidence(skipped.adw_id))["e2e"]
    assert (found.outcome, found.summary) == ("not_applicable", "skipped on request")


async def test_tests_on_an_earlier_build_go_on_with_the_same_workflow(system, repository):
    breaks = write("${cwd}/greeting.txt", "good morning\n")
    mends = write("${cwd}/greeting.txt", "hello, good morning\n")
    system.model.follow(scenario(classifies(), plans(), builds(adds_farewell(), breaks), repairs(mends)))
    built = await system.completed((await system.accept(repository, "plan-build")).adw_id)
    assert built.pr_state == "draft"

    await follow_up(system.foundation.database, built.adw_id, FollowUp(phase="test", actor="person"))
    tested = await system.completed(built.adw_id)

    assert tested.phases == ("plan", "build", "test", "finish")
    assert (tested.pr_number, tested.pr_state) == (built.pr_number, "ready")
    assert [system.model.conversations(role) for role in ("planner", "implementor", "resolver")] == [1, 1, 1]
    rows = {(row.phase, row.attempt): row.status for row in await system.phases(built.adw_id)}
    assert rows["finish", 1] == "superseded"
    assert rows["finish", 2] == rows["test", 1] == "completed"

    await follow_up(system.foundation.database, built.adw_id, FollowUp(phase="test", actor="person"))
    again = await system.completed(built.adw_id)
    assert (again.head_sha, again.pr_state) == (tested.head_sha, "ready")
    rows = {(row.phase, row.attempt): row.status for row in await system.phases(built.adw_id)}
    assert (rows["test", 1], rows["test", 2]) == ("superseded", "completed")


def somebodys_branch(repository, files):
    git(repository, "checkout", "-q", "-b", "theirs")
    write_files(repository, files)
    commit(repository, "Greet in the morning")
    git(repository, "checkout", "-q", "main")
    return git(repository, "rev-parse", "theirs")


def on_theirs(repository, kind, **more):
    return WorkRequest(project=str(repository), kind=kind, actor="person", source="cli", on="theirs", **more)


async def test_tests_on_a_branch_of_somebody_else_leave_that_branch_alone(system, repository):
    tip = somebodys_branch(repository, {"greeting.txt": "good morning\n"})
    mends = write("${cwd}/greeting.txt", "hello, good morning\n")
    system.model.follow(scenario(repairs(mends)))

    taken = await system.foundation.intake.accept(on_theirs(repository, "test"))
    workflow = await system.completed(taken.workflow.adw_id)

    assert git(repository, "rev-parse", "theirs") == tip
    assert git(repository, "rev-parse", f"{workflow.branch_name}^") == tip
    assert (workflow.pr_state, workflow.issue_number, workflow.issue_title) == ("ready", None, "Greet in the morning")
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert (pull.head_branch, pull.base) == (workflow.branch_name, "main")


async def test_a_review_of_a_branch_of_somebody_else_needs_no_plan(system, repository):
    somebodys_branch(repository, {"greeting.txt": "hello, good morning\n"})
    system.model.follow(scenario(reviews()))

    taken = await system.foundation.intake.accept(on_theirs(repository, "review", prompt="Is the greeting polite?"))
    workflow = await system.completed(taken.workflow.adw_id)

    assert (await system.evidence(workflow.adw_id))["review"].outcome == "passed"
    assert (workflow.pr_number, workflow.plan_file) == (None, None)
    assert "Is the greeting polite?" in workflow.issue_body
    assert system.model.conversations("reviewer") == 1


async def test_prompts_are_those_of_the_base_commit_whatever_an_agent_writes(system, folder):
    repository = make_repository(folder / "sample", {".adw/prompts/resolver.md": "You mend with great care."})
    rewrites = write("${cwd}/.adw/prompts/resolver.md", "You mend as you like.\n")
    breaks = write("${cwd}/greeting.txt", "good morning\n")
    mends = rule(
        "mend",
        write("${cwd}/greeting.txt", "hello again\n"),
        answer(REPAIRED),
        role="resolver",
        any_text="You mend with great care",
    )
    system.model.follow(scenario(classifies(), plans(), builds(adds_farewell(), rewrites, breaks), mends))

    workflow = await system.completed((await system.accept(repository)).adw_id)

    assert workflow.pr_state == "ready"
    assert system.model.conversations("resolver") == 1


async def test_a_patch_has_a_short_plan(system, repository):
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository, "patch")).adw_id)
    assert workflow.phases == ("plan", "build", "test", "finish")
    assert await system.has_said("Keep the plan to one page at most")


@pytest.mark.uncontained
async def test_a_command_that_is_interrupted_begins_again_in_a_clean_tree(scene, folder):
    command = f"echo swept >> log.txt; if [ ! -e {folder}/go ]; then touch {folder}/waits; sleep 300; fi"
    settings = SETTINGS + f'[workflows.w]\nphases = ["sweep"]\n[phases.sweep]\ncommand = "{command}"\n'
    repository = make_repository(folder / "sample", {"adw.toml": settings})
    scene.model.follow(scenario())
    worker = scene.fork_worker(impatient=True)
    accepted = await scene.accept(repository, "w")
    await scene.eventually((folder / "waits").exists, "the command runs")
    worker.kill()
    (folder / "go").touch()
    scene.fork_worker(impatient=True)

    workflow = await scene.completed(accepted.adw_id)

    assert git(repository, "show", f"{workflow.branch_name}:log.txt") == "swept"
    assert workflow.pr_state == "draft"
    await scene.nothing_survives()
