"""Documenting: one page, true to the files it names; nothing else is touched, and nothing is written twice."""

from __future__ import annotations

import pytest
from repositories import commit, git, write_files
from script import (
    DOCUMENTED,
    PAGE,
    PLAN,
    adds_farewell,
    answer,
    blocks,
    builds,
    call,
    classifies,
    documents,
    plans,
    rule,
    say,
    scenario,
    write,
)

from adw.control.follow_up import FollowUp, follow_up
from adw.domain.phase import GateOutcome
from adw.store.kpis import KpiFilter, list_kpis

pytestmark = pytest.mark.runtime("plain")

KIND = "plan-build-document"
LIES = f"{PAGE}\nThe names of people are in `checks/people.sh`.\n"
LOG = "# Changelog\n\n- People are greeted\n"
READS_PAGE = blocks(call("Read", file_path="${cwd}/${page_path}"))


def follows(*documenting):
    return scenario(classifies(), plans(), builds(adds_farewell()), *documenting)


@pytest.fixture
def files_of(repository):
    """What the last commit of a branch wrote: texts by name."""

    def read(workflow):
        names = git(repository, "show", "--format=", "--name-only", workflow.branch_name).splitlines()
        return {name: git(repository, "show", f"{workflow.branch_name}:{name}") for name in names}

    return read


@pytest.fixture
def subjects(repository):
    def read(workflow):
        return git(repository, "log", "--format=%s", f"main..{workflow.branch_name}").splitlines()

    return read


async def test_a_page_is_written_about_the_change(system, repository, files_of, subjects):
    system.model.follow(follows(documents()))
    workflow = await system.completed((await system.accept(repository, KIND)).adw_id)

    page = f"app_docs/feature-{workflow.adw_id}-say-farewell.md"
    assert files_of(workflow) == {page: PAGE.strip()}
    assert subjects(workflow) == [DOCUMENTED["commit_message"], "Say farewell", "plan: Say farewell"]
    found = (await system.evidence(workflow.adw_id))["document"]
    assert (found.outcome, found.commit, found.data["files"]) == (GateOutcome.PASSED, workflow.head_sha, [page])
    (documenting,) = [row for row in await system.phases(workflow.adw_id) if row.phase == "document"]
    assert documenting.data["files"] == [page]
    assert workflow.pr_state == "draft"
    (kpi,) = await measured(system, workflow.project_id)
    assert (kpi.succeeded, kpi.attempts, kpi.repair_rounds, kpi.review_rounds) == (True, 1, 0, 0)
    assert (kpi.sizes.plan_lines, kpi.sizes.diff_files) == (len(PLAN.splitlines()), 4)
    assert kpi.sizes.diff_additions == len((PLAN + PAGE).splitlines()) + 2

    # wanted once more on the same commit, it is found documented
    await follow_up(system.foundation.database, workflow.adw_id, FollowUp(phase="document", actor="person"))
    again = await system.completed(workflow.adw_id)
    (row,) = [row for row in await system.phases(workflow.adw_id) if (row.phase, row.attempt) == ("document", 2)]
    assert row.data == documenting.data | {"skipped": True, "summary": f"already documented in {page}"}
    assert again.head_sha == workflow.head_sha
    assert system.model.conversations("documenter") == 1
    assert [each.attempts for each in await measured(system, workflow.project_id)] == [1]


async def test_work_that_nobody_planned_is_documented_as_well(system, repository, files_of):
    git(repository, "switch", "-q", "-c", "by-hand")
    write_files(repository, {"farewell.txt": "farewell\n", "checks/farewell.sh": "grep -q farewell farewell.txt\n"})
    commit(repository, "See people off")
    git(repository, "switch", "-q", "main")
    system.model.follow(follows(documents()))
    workflow = await system.completed((await system.accept(repository, "document", on="by-hand")).adw_id)
    assert list(files_of(workflow).values()) == [PAGE.strip()]
    assert system.model.conversations("planner") == 0


async def test_a_file_that_does_not_exist_is_told_and_corrected(system, repository, files_of, subjects):
    corrects = documents(READS_PAGE, told=r"do not exist: `checks/people\.sh`")
    system.model.follow(follows(corrects, documents(text=LIES)))
    workflow = await system.completed((await system.accept(repository, KIND)).adw_id)
    assert list(files_of(workflow).values()) == [PAGE.strip()]
    assert len(subjects(workflow)) == 3
    assert system.model.conversations("documenter") == 2
    told = [event.message for event in await system.events(workflow.adw_id, "phase_progress")]
    assert any("to be corrected" in message and "`checks/people.sh`" in message for message in told)


async def test_the_changelog_gains_a_line_and_every_other_file_is_out_of_reach(system, repository, files_of):
    write_files(repository, {"CHANGELOG.md": LOG})
    commit(repository, "Keep a changelog")
    greets = write("${cwd}/greeting.txt", "hello, and farewell\n")
    reads = blocks(call("Read", file_path="${cwd}/CHANGELOG.md"))
    adds = call("Edit", file_path="${cwd}/CHANGELOG.md", old_string="- People", new_string="- Farewell\n- People")
    system.model.follow(follows(documents(greets, reads, blocks(adds))))
    workflow = await system.completed((await system.accept(repository, KIND)).adw_id)
    page = f"app_docs/feature-{workflow.adw_id}-say-farewell.md"
    written = files_of(workflow)
    assert written.keys() == {"CHANGELOG.md", page}
    assert "- Farewell\n- People are greeted" in written["CHANGELOG.md"]
    refused = [
        e for e in await system.events(workflow.adw_id, "agent_tool_result") if "may not be written" in e.message
    ]
    assert len(refused) == 1


async def test_a_page_that_stays_wrong_ends_the_work_and_leaves_no_commit(system, repository, subjects):
    system.model.follow(follows(documents(READS_PAGE, text=LIES, told="not accepted"), documents(text=LIES)))
    workflow = await system.run(repository, KIND)
    assert (workflow.status, workflow.failure.failure_class) == ("failed", "gate_failed")
    assert "`checks/people.sh`" in workflow.failure.message
    assert len(subjects(workflow)) == 2
    found = (await system.evidence(workflow.adw_id))["document"]
    assert (found.outcome, found.commit) == (GateOutcome.FAILED, workflow.head_sha)

    system.model.follow(follows(documents()))
    (before,) = await measured(system, workflow.project_id)
    await system.control.retry(workflow.adw_id, actor="person")
    workflow = await system.completed(workflow.adw_id)
    assert len(subjects(workflow)) == 3
    (after,) = await measured(system, workflow.project_id)
    assert [(each.succeeded, each.attempts) for each in (before, after)] == [(False, 1), (True, 2)]
    assert (before.sizes.diff_files, after.sizes.diff_files) == (3, 4)


async def test_a_turn_that_is_killed_goes_on_and_is_committed_once(scene, repository, files_of, subjects):
    writes = write("${cwd}/${page_path}", PAGE)
    hangs = say("I read it again", turn_ms=300_000)
    begun = rule("begun", writes, hangs, role="documenter", turn=1, any_text=r"Page file: `(?P<page_path>[^`\n]+)`")
    resumed = rule("resumed", answer(DOCUMENTED), role="documenter", turn=2)
    scene.model.follow(follows(resumed, begun))
    worker = scene.fork_worker()
    accepted = await scene.accept(repository, KIND)
    await scene.eventually(lambda: len(scene.model.asked("documenter")) == 2, "the page is written")
    await scene.eventually(lambda: scene.has_said("seen off"), "the conversation is kept")
    worker.kill()
    await scene.nothing_survives()
    scene.fork_worker()
    workflow = await scene.completed(accepted.adw_id)
    assert list(files_of(workflow).values()) == [PAGE.strip()]
    assert subjects(workflow)[0] == DOCUMENTED["commit_message"]
    assert len(subjects(workflow)) == 3
    assert [a.retry_count for a in await scene.agents(workflow.adw_id) if a.agent_name == "documenter"] == [1]


async def measured(scene, project_id):
    async with scene.foundation.database.read() as connection:
        return await list_kpis(connection, KpiFilter(project_id=project_id))
