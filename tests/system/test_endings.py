from __future__ import annotations

import pytest
from repositories import GREETS, git
from script import NAMED, adds_farewell, builds, classifies, plans, repairs, scenario, straight, write

from adw.domain.phase import GateOutcome, PhaseStatus

pytestmark = pytest.mark.runtime("plain")

BREAKS = write("${cwd}/greeting.txt", "good morning\n")
REPAIRS = write("${cwd}/greeting.txt", "hello, good morning\n")


@pytest.fixture
def files_of():
    """The files of a branch, by name."""

    def read(repository, branch):
        names = git(repository, "ls-tree", "-r", "--name-only", "-z", branch).split("\0")
        return {name: git(repository, "show", f"{branch}:{name}") for name in names if name}

    return read


async def test_a_plan_ends_as_a_draft_that_shows_the_plan(system, repository, files_of):
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository, "plan")).adw_id)
    assert (workflow.phase, workflow.pr_state) == ("done:finish", "draft")
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert "say farewell" in pull.title.lower()
    assert "People" not in pull.title
    assert "greets people when they come" in pull.body
    assert "tests and review never ran, so it stays a draft" in pull.body
    assert files_of(repository, workflow.branch_name).keys() == {*GREETS, workflow.plan_file}
    assert system.model.conversations("implementor") == 0


async def test_plan_build_ends_as_a_draft_that_says_what_never_ran(system, repository, files_of):
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository, "plan-build")).adw_id)
    assert workflow.pr_state == "draft"
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert pull.title == "Say farewell"
    assert "People are now seen off." in pull.body
    assert "never ran" in pull.body
    assert "checks/farewell.sh" in files_of(repository, workflow.branch_name)
    assert "tests" not in await system.evidence(workflow.adw_id)


@pytest.mark.runtime("claude")
async def test_plan_build_test_ends_ready_with_what_was_found(system, repository, files_of):
    system.model.follow(scenario(classifies(), plans(), builds(adds_farewell(), BREAKS), repairs(REPAIRS)))
    (repository / "greeting.txt").write_text("hello, not yet committed\n")
    workflow = await system.completed((await system.accept(repository)).adw_id)

    assert workflow.pr_state == "ready"
    assert workflow.branch_name == f"feature-issue-1-adw-{workflow.adw_id}-{NAMED['slug']}"
    forge = await system.forge(workflow)
    pull = await forge.get_pull_request(workflow.pr_number)
    assert (pull.base, pull.head_branch, pull.head_sha) == ("main", workflow.branch_name, workflow.head_sha)
    rows = [line for line in pull.body.splitlines() if line.startswith(("| diff", "| tests", "| plan", "| secrets"))]
    assert len(rows) >= 4
    last = [row for row in rows if row.startswith("| tests")][-1]
    assert workflow.head_sha[:12] in last
    assert "2 tests passed" in last
    assert f"Every gate is green, tests on the head commit `{workflow.head_sha[:12]}`" in pull.body
    assert (await system.evidence(workflow.adw_id))["tests"].outcome is GateOutcome.PASSED

    # one classification, then one conversation a phase
    roles = ("classifier", "planner", "implementor", "resolver")
    assert [system.model.conversations(role) for role in roles] == [1, 1, 1, 1]
    assert {entry.role for entry in system.model.journal.entries} == set(roles)
    # the books are those of the model
    usage = await system.usage(workflow.adw_id)
    totals = system.model.journal.totals
    assert (usage.requests, usage.tokens.input, usage.tokens.output) == (
        totals.requests,
        totals.input_tokens,
        totals.output_tokens,
    )
    assert usage.cost_usd > 0
    # the person's checkout is as it was; the result is beside it
    assert git(repository, "status", "--porcelain") == "M greeting.txt"
    assert git(repository, "branch", "--show-current") == "main"
    files = files_of(repository, workflow.branch_name)
    assert files.keys() == {*GREETS, workflow.plan_file, "farewell.txt", "checks/farewell.sh"}
    assert files["greeting.txt"] == "hello, good morning"
    log = git(repository, "log", "--format=%s%n%b", f"main..{workflow.branch_name}").splitlines()
    subjects = [line for line in log if line]
    assert subjects == ["Bring the greeting back", "Say farewell", "plan: Say farewell"]
    issue = await forge.get_issue(workflow.issue_number)
    assert issue.title == "Say farewell"
    comments = await forge.list_comments(workflow.issue_number)
    assert len(comments) == 2
    assert "| finish | completed | 1 |" in comments[0].body
    assert f"Pull request #{workflow.pr_number} is ready for review" in comments[1].body


async def test_every_step_of_a_run_is_told_in_order(system, repository):
    system.model.follow(straight())
    workflow = await system.completed((await system.accept(repository)).adw_id)
    events = await system.events(workflow.adw_id)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    types = [event.type for event in events]
    assert types[:3] == ["workflow_created", "workflow_queued", "workflow_started"]
    assert types[-1] == "workflow_completed"
    for phase in ("plan", "build", "test", "finish"):
        of_phase = [event.type for event in events if event.phase == phase]
        assert of_phase[0] == "phase_started"
        assert of_phase[-1] == "phase_completed"
        assert [t for t in of_phase if t == "phase_completed"] == ["phase_completed"]
    rows = await system.phases(workflow.adw_id)
    assert [(row.phase, row.attempt, row.status) for row in rows] == [
        (phase, 1, PhaseStatus.COMPLETED) for phase in ("plan", "build", "test", "finish")
    ]


async def test_the_same_repository_is_worked_on_twice(system, repository):
    system.model.follow(straight())
    first = await system.accept(repository)
    second = await system.accept(repository)
    assert first.issue_number != second.issue_number
    one, two = await system.completed(first.adw_id), await system.completed(second.adw_id)
    assert one.branch_name != two.branch_name
    assert one.pr_number != two.pr_number
    assert {one.backend_port, one.frontend_port}.isdisjoint({two.backend_port, two.frontend_port})
    # the base was tested once for both
    told = [await system.events(each.adw_id, "phase_progress") for each in (one, two)]
    assert sum(event.message == "testing the untouched base" for events in told for event in events) == 1
