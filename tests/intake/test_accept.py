from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import update

from adw.domain.agent import ModelSet
from adw.domain.events import EventType
from adw.domain.status import Status
from adw.domain.workflow import WorkflowOptions
from adw.kit.errors import ConfigurationError, ConflictError, DuplicateRunError, NotFoundError, UsageError
from adw.store.accounts import account_of
from adw.store.events import get_workflow_events
from adw.store.projects import get_project, list_projects
from adw.store.tables.workflows import workflows

NOTHING = {
    "projects": 0,
    "issues": 0,
    "adw_workflows": 0,
    "adw_workflow_events": 0,
    "workflow_budgets": 0,
    "remotes": 0,
}


async def forge_of(door, project_id):
    async with door.database.read() as connection:
        return door.intake.access.forge(await get_project(connection, project_id))


async def test_a_sentence_becomes_an_issue_and_a_queued_workflow(door, repository):
    accepted = await door.accept(repository, "Fix the totals", options=WorkflowOptions(plan_approval=True), priority=2)
    workflow = accepted.workflow
    issue = await (await forge_of(door, workflow.project_id)).get_issue(1)
    assert (issue.title, issue.body, issue.author) == ("Fix the totals", "Fix the totals", "ann")
    assert (workflow.status, workflow.issue_number, workflow.issue_title) == (Status.QUEUED, 1, "Fix the totals")
    assert (workflow.base_branch, workflow.base_sha) == ("main", repository.head())
    assert workflow.phases == ("plan", "build", "test", "finish")
    assert workflow.trigger == {"source": "cli", "actor": "ann"}
    assert (workflow.options.plan_approval, workflow.priority, workflow.model_set) == (True, 2, ModelSet.BASE)
    assert accepted.notes == ()
    async with door.database.read() as connection:
        events = await get_workflow_events(connection, workflow.adw_id)
    assert [event.type for event in events] == [EventType.WORKFLOW_CREATED, EventType.WORKFLOW_QUEUED]
    assert workflow.project_id.startswith("tally-")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Totals are wrong\n\nThe total of an empty statement is 1.", "Totals are wrong"),
        ("\n\n  ##  Dates  \nmore", "Dates"),
        ("#\n#\nThird line", "Third line"),
        ("Ring \x1b[31mthe\x07 bell\r\nnow", "Ring [31mthe bell"),
        ("word " * 40, "word " * 14 + "w…"),
        ("#1 is open", "1 is open"),
    ],
)
async def test_the_title_is_the_first_line_that_says_something(door, repository, text, title):
    accepted = await door.accept(repository, text)
    assert accepted.workflow.issue_title == title
    assert accepted.workflow.issue_body == text.strip()


async def test_work_on_an_issue_takes_its_words(door, repository):
    project, _ = await door.intake.open_project(str(repository.path))
    forge = door.intake.access.forge(project)
    await forge.create_issue(title="Dates", body="They are off by one.", key=None)
    workflow = (await door.accept(repository, issue_number=1, kind="plan_build")).workflow
    assert (workflow.issue_title, workflow.issue_body) == ("Dates", "They are off by one.")
    assert workflow.workflow_type == "plan-build"


async def test_an_unknown_issue_of_a_new_repository_makes_nothing(door, repository):
    for number in (1, 0, -1, 2**31, 2**70):
        with pytest.raises(NotFoundError):
            await door.accept(repository, issue_number=number)
    assert await door.made() == NOTHING


async def test_a_closed_issue_is_refused(door, repository):
    workflow = (await door.accept(repository)).workflow
    await (await forge_of(door, workflow.project_id)).close_issue(1)
    with pytest.raises(ConflictError, match="#1 is closed"):
        await door.accept(repository, issue_number=1)


async def test_a_second_run_on_an_issue_is_refused_with_the_id_of_the_first(door, repository):
    first = (await door.accept(repository)).workflow
    before = await door.made()
    with pytest.raises(DuplicateRunError, match=first.adw_id) as refused:
        await door.accept(repository, issue_number=1)
    assert f"adw workflow show {first.adw_id}" in (refused.value.hint or "")
    assert await door.made() == before


async def test_of_many_runs_on_one_issue_at_once_one_is_accepted(door, repository):
    project, _ = await door.intake.open_project(str(repository.path))
    await door.intake.access.forge(project).create_issue(title="Dates", body="", key=None)
    answers = await asyncio.gather(*(door.accept(repository, issue_number=1) for _ in range(4)), return_exceptions=True)
    (accepted,) = [each for each in answers if not isinstance(each, Exception)]
    refused = [each for each in answers if isinstance(each, DuplicateRunError)]
    assert len(refused) == 3
    assert all(accepted.workflow.adw_id in each.message for each in refused)


async def test_the_same_key_gives_the_same_workflow_even_at_once(door, repository):
    answers = await asyncio.gather(*(door.accept(repository, idempotency_key="k") for _ in range(4)))
    assert len({each.workflow.adw_id for each in answers}) == 1
    assert (await door.accept(repository, idempotency_key="k")).workflow == answers[0].workflow
    made = await door.made()
    assert (made["issues"], made["adw_workflows"]) == (1, 1)
    assert (await door.accept(repository, idempotency_key="other")).workflow.issue_number == 2


async def test_the_repositorys_own_settings_hold_unless_the_request_says_otherwise(door, repository):
    repository.commit(adw__toml='[agents]\nmodel_set = "heavy"\n[budget]\nworkflow_usd = 2.5\n')
    workflow = (await door.accept(repository)).workflow
    assert (workflow.model_set, workflow.budget_usd) == (ModelSet.HEAVY, Decimal("2.5"))
    async with door.database.read() as connection:
        assert (await account_of(connection, workflow.adw_id)).budget_usd == Decimal("2.5")
    own = (await door.accept(repository, model_set=ModelSet.LIGHTWEIGHT, budget_usd=Decimal(1))).workflow
    assert (own.model_set, own.budget_usd) == (ModelSet.LIGHTWEIGHT, Decimal(1))


async def test_the_base_its_settings_name_is_where_work_starts_and_whose_settings_hold(door, repository):
    repository.git("checkout", "-q", "-b", "dev")
    dev = repository.commit(adw__toml='[project]\nbase = "dev"\n[agents]\nmodel_set = "lightweight"\n')
    repository.git("checkout", "-q", "main")
    repository.commit(adw__toml='[project]\nbase = "dev"\n[agents]\nmodel_set = "heavy"\n')
    (repository.path / "scratch").write_text("x")
    accepted = await door.accept(repository)
    workflow = accepted.workflow
    assert (workflow.base_branch, workflow.base_sha, workflow.model_set) == ("dev", dev, ModelSet.LIGHTWEIGHT)
    assert len(accepted.notes) == 1
    async with door.database.read() as connection:
        assert (await get_project(connection, workflow.project_id)).base_branch == "dev"
    assert (await door.accept(workflow.project_id)).workflow.base_sha == dev


async def test_uncommitted_changes_are_a_note_and_no_error(door, repository):
    (repository.path / "README.md").write_text("changed")
    (note,) = (await door.accept(repository)).notes
    assert "1 uncommitted file" in note


async def test_settings_are_those_of_the_commit_and_not_of_the_checkout(door, repository):
    (repository.path / "adw.toml").write_text("not even TOML")
    assert (await door.accept(repository)).workflow.budget_usd is None


@pytest.mark.parametrize(
    ("settings", "error"),
    [("[budgets]\n", ConfigurationError), ("\xff", ConfigurationError), ('[project]\nbase = "gone"\n', UsageError)],
)
async def test_settings_that_cannot_be_used_refuse_the_work_and_nothing_is_made(door, repository, settings, error):
    repository.commit(adw__toml=settings)
    with pytest.raises(error):
        await door.accept(repository)
    assert await door.made() == NOTHING


REFUSED = (
    {"kind": "sdlcc"},
    {"prompt": ""},
    {"prompt": " \n "},
    {"prompt": "x" * 60_001},
    {"prompt": "a\0b"},
    {"prompt": "a\ud800"},
    {"prompt": "\x07"},
    {"prompt": "Fix", "issue_number": 1},
    {"actor": ""},
    {"actor": "a\nb"},
    {"budget_usd": Decimal(0)},
    {"budget_usd": Decimal("NaN")},
    {"repository": "nowhere"},
    {"repository": "/nowhere/at/all"},
    {"repository": "relative/path"},
    {"repository": "~no-such-person/x"},
    {"repository": "/" + "x" * 5000},
    {"repository": "/a\0b"},
    {"repository": "/"},
)


async def test_what_is_refused_makes_nothing(door, repository):
    for changes in REFUSED:
        with pytest.raises(UsageError):
            await door.accept(**({"repository": repository} | changes))
    assert await door.made() == NOTHING


async def test_a_folder_whose_name_is_not_utf8_is_refused(door, make_repository):
    with pytest.raises(UsageError, match="UTF-8"):
        await door.accept(make_repository("caf\udce9"))
    assert await door.made() == NOTHING


async def test_a_repository_without_a_commit_is_refused_with_advice(door, tmp_path, repository):
    empty = type(repository)(tmp_path / "empty")
    empty.path.mkdir()
    empty.git("init", "-q")
    with pytest.raises(UsageError) as refused:
        await door.accept(empty)
    assert "commit" in (refused.value.hint or "")
    assert await door.made() == NOTHING


async def test_two_projects_of_one_folder_name_are_kept_apart(door, make_repository):
    one, two = make_repository("a/tally"), make_repository("b/tally")
    first, second = (await door.accept(one)).workflow, (await door.accept(two)).workflow
    assert first.project_id != second.project_id
    assert (first.issue_number, second.issue_number) == (1, 1)
    with pytest.raises(UsageError, match="several"):
        await door.accept("tally")
    assert (await door.accept(second.project_id)).workflow.issue_number == 2
    assert (await door.accept(str(one.path))).workflow.project_id == first.project_id


async def test_a_project_is_the_same_by_every_path_to_it(door, repository, tmp_path):
    (tmp_path / "link").symlink_to(repository.path)
    first = (await door.accept(repository)).workflow
    for way in (str(tmp_path / "link"), f"{repository.path}/", f"{repository.path}/../tally", first.project_id):
        assert (await door.accept(way)).workflow.project_id == first.project_id


async def test_many_at_once_on_a_new_repository_are_all_accepted(door, repository):
    accepted = await asyncio.gather(*(door.accept(repository, f"Work {n}") for n in range(6)))
    assert sorted(each.workflow.issue_number for each in accepted) == [1, 2, 3, 4, 5, 6]
    made = await door.made()
    assert (made["projects"], made["remotes"], made["adw_workflows"]) == (1, 1, 6)
    async with door.database.read() as connection:
        assert len(await list_projects(connection)) == 1


async def test_a_bare_repository_is_a_project(door, repository, tmp_path):
    repository.git("clone", "-q", "--bare", str(repository.path), str(tmp_path / "tally.git"))
    workflow = (await door.accept(str(tmp_path / "tally.git"))).workflow
    async with door.database.read() as connection:
        assert (await get_project(connection, workflow.project_id)).name == "tally"


async def test_an_ended_workflow_lets_the_next_one_have_its_issue(door, repository):
    first = (await door.accept(repository)).workflow
    async with door.database.begin() as connection:
        await connection.execute(update(workflows).values(status="cancelled"))
    second = (await door.accept(repository, issue_number=1)).workflow
    assert second.adw_id != first.adw_id
