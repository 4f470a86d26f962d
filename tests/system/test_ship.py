"""The end of the way: proven on the head commit, ready for a person or merged by us, and never merged twice."""

from __future__ import annotations

import pytest
from repositories import SETTINGS, commit, git, make_repository, write_files
from script import adds_farewell, answer, builds, classifies, documents, plans, reviews, rule, scenario, shell, write
from sqlalchemy import text
from watch import Watch

pytestmark = pytest.mark.runtime("plain")

CONSENT = SETTINGS + "\n[triggers]\nzte = true\n"


def whole_way(*, build=None):
    """Nothing is left to repair, and the reviewer is content."""
    return scenario(classifies(), plans(), builds(*(build or [adds_farewell()])), reviews(), documents())


@pytest.fixture
def consenting(folder):
    return make_repository(folder / "sample", {"adw.toml": CONSENT})


async def test_sdlc_ends_with_a_pull_request_that_is_proven_on_its_head_and_merges_nothing(system, consenting):
    system.model.follow(whole_way())
    before = git(consenting, "rev-parse", "main")
    workflow = await system.completed((await system.accept(consenting, "sdlc")).adw_id)
    assert (workflow.phase, workflow.pr_state, workflow.merge_sha) == ("shipped", "ready", None)
    assert git(consenting, "rev-parse", "main") == before
    evidence = await system.evidence(workflow.adw_id)
    assert {evidence[gate].commit for gate in ("tests", "readiness", "document")} == {workflow.head_sha}
    assert evidence["review"].commit != workflow.head_sha, "documents were added to what was reviewed"
    rows = await system.phases(workflow.adw_id)
    assert [row.phase for row in rows] == ["plan", "build", "test", "review", "document", "ship"]
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert "tests and review on the head commit" in pull.body
    assert workflow.worktree_exists


async def test_zte_merges_what_is_proven_and_tidies_up(system, consenting):
    system.model.follow(whole_way())
    workflow = await system.completed((await system.accept(consenting, "zte")).adw_id)
    assert (workflow.phase, workflow.pr_state) == ("shipped", "merged")
    assert git(consenting, "log", "--format=%H", "main").splitlines()[0] == workflow.merge_sha
    assert git(consenting, "log", "-1", "--format=%s%n%b", "main").splitlines()[0] == "Say farewell (#2)"
    assert "Evidence" not in git(consenting, "log", "-1", "--format=%b", "main")
    assert (consenting / "farewell.txt").exists(), "a clean checkout follows its branch"
    assert git(consenting, "branch", "--format=%(refname:short)") == "main"
    assert (workflow.worktree_exists, workflow.backend_port) == (False, None)
    forge = await system.forge(workflow)
    assert (await forge.get_issue(workflow.issue_number)).state == "closed"
    said = [comment.body for comment in await forge.list_comments(workflow.issue_number)]
    assert len(said) == 2
    assert f"is merged as `{workflow.merge_sha[:12]}`" in said[1]
    merged = (await system.evidence(workflow.adw_id))["merge"]
    assert (merged.outcome, merged.commit) == ("passed", workflow.merge_sha)


@pytest.mark.parametrize(
    ("settings", "because"),
    [
        (SETTINGS, "[triggers] zte = true"),
        ("[commands]\nsetup = false\ntest = false\n\n[triggers]\nzte = true\n", "no test proves the change"),
    ],
    ids=["without consent", "without tests"],
)
async def test_zte_leaves_the_merge_to_a_person(system, folder, settings, because):
    system.model.follow(whole_way())
    repository = make_repository(folder / "sample", {"adw.toml": settings})
    workflow = await system.completed((await system.accept(repository, "zte")).adw_id)
    assert (workflow.pr_state, workflow.merge_sha) == ("ready", None)
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert because in pull.body
    left = (await system.evidence(workflow.adw_id))["merge"]
    assert left.outcome == "not_applicable"
    assert because in left.summary


async def test_zte_does_not_merge_where_a_test_of_the_base_was_taken_away(system, consenting):
    write_files(consenting, {"checks/manners.sh": "true\n"})
    commit(consenting, "Mind the manners")
    system.model.follow(whole_way(build=[adds_farewell(), shell("rm checks/manners.sh")]))
    workflow = await system.completed((await system.accept(consenting, "zte")).adw_id)
    assert workflow.pr_state == "ready"
    assert "manners" in (await system.evidence(workflow.adw_id))["merge"].summary


async def test_a_person_may_have_the_last_word_before_anything_is_shipped(system, folder):
    asks = CONSENT + "\n[gates]\nship_approval = true\n"
    repository = make_repository(folder / "sample", {"adw.toml": asks})
    system.model.follow(whole_way())
    workflow = await system.run(repository, "zte")
    assert (workflow.status, workflow.wait_reason, workflow.pr_state) == ("waiting", "approval", "draft")
    pull = await (await system.forge(workflow)).get_pull_request(workflow.pr_number)
    assert "Every gate is green" in pull.body
    await system.control.decide(workflow.adw_id, allow=True, actor="person")
    workflow = await system.completed(workflow.adw_id)
    assert (workflow.pr_state, system.model.conversations("reviewer")) == ("merged", 1)


def moves_the_base(repository):
    person = "git -c user.name=P -c user.email=p@e"
    return shell(f"cd {repository} && echo mine > farewell.txt && git add . && {person} commit -qm M")


@pytest.mark.uncontained
async def test_a_base_that_moved_against_the_work_is_left_to_a_person_where_nobody_may_bring_it_in(system, folder):
    repository = make_repository(folder / "sample", {"adw.toml": CONSENT + "\n[feedback]\nbase = false\n"})
    system.model.follow(whole_way(build=[adds_farewell(), moves_the_base(repository)]))
    workflow = await system.completed((await system.accept(repository, "zte")).adw_id)
    assert workflow.pr_state == "ready"
    shipped = (await system.phases(workflow.adw_id))[-1]
    assert shipped.data["keptBecause"] == "it conflicts with main in farewell.txt"
    assert git(repository, "log", "-1", "--format=%s", "main") == "M"


@pytest.mark.uncontained
async def test_a_base_that_moved_against_the_work_is_brought_in_and_then_it_merges(system, consenting):
    both = write("${cwd}/farewell.txt", "mine\nfarewell\n")
    joined = {"summary": "Both are said.", "commit_message": "Keep both farewells"}
    joins = rule("join", both, answer(joined), role="resolver", prompt="hold conflicts")
    system.model.follow(
        scenario(
            classifies(), plans(), joins, builds(adds_farewell(), moves_the_base(consenting)), reviews(), documents()
        )
    )
    ready = await system.completed((await system.accept(consenting, "zte")).adw_id)
    assert ready.pr_state == "ready"
    await Watch(system).look(ready, alone=True)
    merged = await system.completed(ready.adw_id)
    assert merged.pr_state == "merged"
    assert git(consenting, "log", "--format=%s", "main").splitlines() == [
        f"Say farewell (#{merged.pr_number})",
        "M",
        "Greet people",
    ]
    assert (consenting / "farewell.txt").read_text() == "mine\nfarewell\n"


async def test_what_failed_after_its_merge_is_finished_by_a_retry_and_merged_once(system, consenting):
    system.model.follow(whole_way())
    workflow = await system.completed((await system.accept(consenting, "zte")).adw_id)
    failed = text(
        "UPDATE adw_workflows SET status = 'failed', completed_at = NULL, failure_class = 'infrastructure', "
        "failure = jsonb_build_object('class', 'infrastructure', 'message', 'no disk', 'phase', 'ship') "
        "WHERE adw_id = :id"
    )
    undone = text("UPDATE adw_phases SET status = 'failed' WHERE adw_id = :id AND phase = 'ship'")
    async with system.foundation.database.begin() as connection:
        for statement in (failed, undone):
            await connection.execute(statement, {"id": workflow.adw_id})
    await system.control.retry(workflow.adw_id, actor="person")
    again = await system.completed(workflow.adw_id)
    assert (again.pr_state, again.merge_sha) == ("merged", workflow.merge_sha)
    assert git(consenting, "log", "--format=%s", "main").splitlines() == ["Say farewell (#2)", "Greet people"]
    said = await (await system.forge(again)).list_comments(workflow.issue_number)
    assert len(said) == 2
