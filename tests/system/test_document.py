"""Documenting: one page, true to the files it names; nothing else is touched, and nothing is written twice."""

from __future__ import annotations

import pytest
from repositories import commit, git, write_files
from script import (
    DOCUMENTED,
    PAGE,
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

from adw.domain.phase import GateOutcome

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
    await system.control.retry(workflow.adw_id, actor="person")
    workflow = await system.completed(workflow.adw_id)
    assert len(subjects(workflow)) == 3


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
