"""Everything that speaks against beginning work, each by a real request; and what is only told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert, text, update

from adw.domain.budget import BudgetScope
from adw.domain.config import CONFIG_FILE
from adw.domain.status import PrState, Status
from adw.domain.testing import ReportFormat, TestReport, Unparseable, encode_run
from adw.intake.preflight import PEOPLE
from adw.kit import errors
from adw.kit.errors import (
    AdwError,
    ConfigurationError,
    ConflictError,
    CooldownError,
    DuplicateRunError,
    IssueClosedError,
    LowDiskError,
    LowMemoryError,
    MonthlyBudgetError,
    OpenPullRequestError,
    UsageError,
)
from adw.kit.settings import read_settings
from adw.ports.resources import Headroom
from adw.store.budgets import set_shared_budget, shared_budget
from adw.store.results import save_baseline
from adw.store.tables.usage import model_requests
from adw.store.tables.workflows import workflows
from adw.wiring.resources import HostResources, available_bytes, free_bytes

MB = 1024 * 1024


@dataclass(frozen=True)
class Room:
    """A machine with this much left."""

    headroom: Headroom

    def look(self):
        return self.headroom


async def refused(door, repository, error, **request):
    """The refusal, after which there is nothing that was not there before."""
    before = await door.made()
    with pytest.raises(error) as caught:
        await door.accept(repository, **request)
    assert type(caught.value) is error
    assert caught.value.hint
    assert await door.made() == before
    return caught.value


async def change(door, workflow, **values):
    async with door.database.begin() as connection:
        await connection.execute(update(workflows).where(workflows.c.adw_id == workflow.adw_id).values(**values))


async def spend(door, workflow, usd, *, ago="0 days"):
    values = {
        "id": uuid4(),
        "adw_id": workflow.adw_id,
        "agent_run_id": "r",
        "phase": "build",
        "attempt": 1,
        "role": "implementor",
        "model": "m",
        "stream": True,
        "state": "settled",
        "max_tokens": 1,
        "cost_usd": Decimal(usd),
        "started_at": text(f"clock_timestamp() - interval '{ago}'"),
        "ended_at": text("clock_timestamp()"),
    }
    async with door.database.begin() as connection:
        await connection.execute(insert(model_requests).values(values))


async def issue_of(door, repository):
    """An open issue nobody has worked on."""
    project, _ = await door.intake.open_project(str(repository.path))
    return (await door.intake.access.forge(project).create_issue(title="Dates", body="", key=None)).number


async def ended(door, repository, **values):
    """A workflow that is over, on issue 1."""
    workflow = (await door.accept(repository)).workflow
    await change(door, workflow, status=Status.COMPLETED.value, completed_at=text("clock_timestamp()"), **values)
    return workflow


async def test_a_closed_issue_is_refused(door, repository):
    number = await issue_of(door, repository)
    project, _ = await door.intake.open_project(str(repository.path))
    await door.intake.access.forge(project).close_issue(number)
    refusal = await refused(door, repository, IssueClosedError, issue_number=number)
    assert "reopen" in refusal.hint


async def test_a_live_workflow_is_offered_as_follow_up_or_to_cancel(door, repository):
    first = (await door.accept(repository)).workflow
    refusal = await refused(door, repository, DuplicateRunError, issue_number=1)
    assert f"--on {first.adw_id}" in refusal.hint
    assert "cancel" in refusal.hint


async def test_an_open_pull_request_of_a_cancelled_workflow_is_in_the_way_until_it_is_closed(door, repository):
    first = (await door.accept(repository)).workflow
    await change(door, first, status=Status.CANCELLED.value, pr_number=7, pr_state=PrState.DRAFT.value)
    refusal = await refused(door, repository, OpenPullRequestError, issue_number=1)
    assert "adw pr close 7" in refusal.hint
    await change(door, first, pr_state=PrState.CLOSED.value)
    assert (await door.accept(repository, issue_number=1)).workflow.issue_number == 1


@pytest.mark.parametrize("source", ["webhook", "poll", "schedule"])
async def test_what_nobody_asked_for_in_person_waits_for_the_cooldown(door, repository, source):
    await ended(door, repository)
    refusal = await refused(door, repository, CooldownError, issue_number=1, source=source)
    assert "cooldown_s" in refusal.hint
    assert (await door.accept(repository, issue_number=1)).workflow.issue_number == 1


async def test_the_cooldown_of_the_project_holds_for_everybody_and_ends(door, repository):
    repository.commit(adw__toml="[triggers]\ncooldown_s = 60\n")
    first = await ended(door, repository)
    for source in sorted(PEOPLE):
        await refused(door, repository, CooldownError, issue_number=1, source=source)
    await change(door, first, completed_at=text("clock_timestamp() - interval '61 seconds'"))
    assert (await door.accept(repository, issue_number=1, source="webhook")).workflow.issue_number == 1


async def test_a_spent_month_refuses_and_older_money_does_not_count(door, repository):
    repository.commit(adw__toml="[budget]\nmonth_usd = 5\n")
    first = (await door.accept(repository)).workflow
    await spend(door, first, "100", ago="32 days")
    accepted = await door.accept(repository)
    assert accepted.workflow.budget_usd == Decimal(5)
    await spend(door, first, "5")
    refusal = await refused(door, repository, MonthlyBudgetError)
    assert "month_usd" in refusal.hint


async def test_a_budget_beyond_what_the_month_has_left_is_cut_and_told(door, repository):
    repository.commit(adw__toml="[budget]\nmonth_usd = 5\nworkflow_usd = 1\n")
    first = (await door.accept(repository)).workflow
    await spend(door, first, "3.5")
    accepted = await door.accept(repository, budget_usd=Decimal(2))
    assert accepted.workflow.budget_usd == Decimal("1.5")
    assert any("$1.50 of this month's $5 are left" in note for note in accepted.notes)
    assert (await door.accept(repository)).notes == ()


async def test_a_budget_of_nothing_is_refused(door, repository):
    repository.commit(adw__toml="[budget]\nworkflow_usd = 0\n")
    refusal = await refused(door, repository, ConfigurationError)
    assert "workflow_usd" in refusal.message
    await refused(door, repository, UsageError, budget_usd=Decimal(0))


@pytest.mark.parametrize(
    ("headroom", "kind", "word"),
    [
        (Headroom(free_disk=499 * MB, least_disk=500 * MB), LowDiskError, "ADW_MIN_FREE_DISK_MB"),
        (Headroom(available_memory=9, least_memory=10), LowMemoryError, "ADW_MIN_FREE_MEMORY_MB"),
    ],
)
async def test_a_machine_without_room_takes_no_work(door, repository, headroom, kind, word):
    full = replace(door, intake=replace(door.intake, resources=Room(headroom)))
    assert word in (await refused(full, repository, kind)).hint


@pytest.mark.parametrize("headroom", [Headroom(least_disk=9, least_memory=9), Headroom(free_disk=9, least_disk=9)])
async def test_room_that_nobody_can_tell_or_that_just_suffices_passes(door, repository, headroom):
    full = replace(door, intake=replace(door.intake, resources=Room(headroom)))
    assert (await full.accept(repository)).workflow.status is Status.QUEUED


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ('[commands]\ntest = "echo \'unbalanced"\n', "commands.test"),
        ('[commands]\nlint = { run = "lint", cwd = "backend" }\n', "backend"),
        ('[workflows.t]\nphases = ["plan", "tidy"]\n[phases.tidy]\nprompt = ".adw/tidy.md"\n', ".adw/tidy.md"),
        ('[workflows.sdlc]\nphases = ["plan"]\n', "built in"),
    ],
)
async def test_settings_that_make_no_sense_at_the_base_are_refused(door, repository, settings, word):
    repository.commit(adw__toml=settings)
    refusal = await refused(door, repository, ConfigurationError, kind="t" if "workflows.t" in settings else "plan")
    assert word in refusal.message


async def test_a_folder_of_a_command_that_is_there_is_fine(door, repository):
    (repository.path / "backend").mkdir()
    (repository.path / "backend/a.txt").write_text("a")
    repository.commit(adw__toml='[commands]\nlint = { run = "lint", cwd = "backend" }\n')
    assert (await door.accept(repository)).workflow.status is Status.QUEUED


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "holds no text"), ("x" * 50_001, "at most 50000 bytes"), (None, "plain file")],
)
async def test_a_prompt_of_the_repository_that_cannot_be_used_is_refused(door, repository, content, said):
    folder = repository.path / ".adw/prompts"
    folder.mkdir(parents=True)
    if content is None:
        (folder / "planner.md").symlink_to("../../README.md")
    else:
        (folder / "planner.md").write_text(content)
    repository.commit()
    refusal = await refused(door, repository, ConfigurationError)
    assert ".adw/prompts/planner.md" in refusal.message
    assert said in f"{refusal.message} {refusal.hint}"


async def test_a_prompt_that_is_not_committed_counts_for_nothing(door, repository):
    folder = repository.path / ".adw/prompts"
    folder.mkdir(parents=True)
    (folder / "planner.md").write_text("")
    assert (await door.accept(repository)).workflow.status is Status.QUEUED


async def test_an_unknown_kind_names_the_kinds_of_the_repository_as_well(door, repository):
    repository.commit(adw__toml='[workflows.spruce-up]\nphases = ["plan"]\n')
    refusal = await refused(door, repository, UsageError, kind="spruceup")
    assert "did you mean `spruce-up`" in refusal.hint
    assert "plan-build-test" in refusal.hint


@pytest.mark.parametrize("settings", ["", "[triggers]\nzte = true\n"])
async def test_zte_is_taken_with_a_note_where_the_project_does_not_allow_merging(door, repository, settings):
    repository.commit(adw__toml=settings)
    accepted = await door.accept(repository, kind="zte")
    assert accepted.workflow.workflow_type == "zte"
    assert [f"zte = true` under [triggers] in the {CONFIG_FILE}" in note for note in accepted.notes] == (
        [] if settings else [True]
    )


@pytest.mark.parametrize("is_readable", [True, False])
async def test_a_base_whose_tests_are_known_to_say_nothing_is_told(door, repository, is_readable):
    workflow = (await door.accept(repository)).workflow
    end = {"command": "make test", "exit_code": 1, "duration_ms": 1, "timed_out": False, "output_tail": ""}
    broken = Unparseable(**end, format=ReportFormat.JUNIT, reason="the report is missing")
    fine = TestReport(**(end | {"exit_code": 0}), format=ReportFormat.JUNIT, results=())
    result = {"tests": encode_run(fine if is_readable else broken), "flaky": [], "checks": []}
    async with door.database.begin() as connection:
        await save_baseline(
            connection,
            project_id=workflow.project_id,
            commit=workflow.base_sha,
            config_hash="h",
            result=result,
        )
    notes = (await door.accept(repository)).notes
    assert [("report is missing" in note, "will not apply" in note) for note in notes] == (
        [] if is_readable else [(True, True)]
    )


async def test_work_that_goes_on_needs_room_as_well(door, repository):
    repository.commit(adw__toml="[budget]\nmonth_usd = 5\n")
    workflow = (await door.accept(repository)).workflow
    await door.intake.check_room(workflow)
    with pytest.raises(LowDiskError):
        await replace(door.intake, resources=Room(Headroom(free_disk=1, least_disk=2))).check_room(workflow)
    await spend(door, workflow, "5")
    with pytest.raises(MonthlyBudgetError):
        await door.intake.check_room(workflow)


async def test_a_base_that_could_not_be_tested_is_told_until_it_was(door, repository):
    workflow = (await door.accept(repository)).workflow
    key = {"project_id": workflow.project_id, "commit": workflow.base_sha, "config_hash": "h"}
    for result, told in (({"problem": "set-up of the base failed: no\nnetwork"}, 1), ({"tests": None, "flaky": []}, 0)):
        async with door.database.begin() as connection:
            await save_baseline(connection, **key, result=result)
        notes = (await door.accept(repository)).notes
        assert (
            len([note for note in notes if "will be tried again: set-up of the base failed: no network" in note])
            == told
        )


async def test_a_preview_finds_everything_at_once_and_makes_nothing(door, repository):
    repository.commit(adw__toml="[budget]\nworkflow_usd = 0\n")
    low = replace(door.intake, resources=Room(Headroom(free_disk=1, least_disk=2, available_memory=1)))
    before = await door.made()
    from adw.intake.service import WorkRequest

    preview = await low.preview(
        WorkRequest(project=str(repository.path), kind="sdlc", actor="ann", source="cli", prompt="Fix it")
    )
    page = (Path(__file__).parents[2] / "docs/concepts/accepting-work.md").read_text()
    assert [finding.check for finding in preview.findings if f"| {finding.check} |" not in page] == []
    codes = [finding.refusal.code for finding in preview.findings if finding.refusal is not None]
    assert codes == ["configuration", "low_disk"]
    assert await door.made() == before


def test_every_refusal_of_the_preflight_has_a_code_and_an_exit_code_of_its_family():
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AdwError)]
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in (IssueClosedError, OpenPullRequestError, CooldownError, MonthlyBudgetError):
        assert (kind.status, kind.exit_code) == (ConflictError.status, ConflictError.exit_code)


def test_the_machine_is_looked_at(tmp_path):
    settings = read_settings({"ADW_DATA_DIR": str(tmp_path / "not" / "yet"), "ADW_MIN_FREE_MEMORY_MB": "5"})
    room = HostResources(settings=settings).look()
    assert room.free_disk is not None
    assert (room.least_disk, room.least_memory) == (500 * MB, 5 * MB)
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  9 kB\nMemAvailable:     2048 kB\n")
    assert available_bytes(meminfo) == 2048 * 1024
    meminfo.write_text("nothing")
    assert (available_bytes(meminfo), available_bytes(tmp_path / "gone")) == (None, None)
    assert free_bytes(Path("/")) is not None


async def test_the_months_limit_of_the_file_becomes_a_budget_and_a_persons_counts_more(door, repository):
    repository.commit(adw__toml="[budget]\nmonth_usd = 5\n")
    project = (await door.accept(repository)).workflow.project_id

    async def of_project():
        async with door.database.read() as connection:
            return await shared_budget(connection, BudgetScope.PROJECT_MONTH, project_id=project)

    assert ((await of_project()).budget_usd, (await of_project()).set_by) == (5, None)
    async with door.database.begin() as connection:
        await set_shared_budget(
            connection, BudgetScope.PROJECT_MONTH, project_id=project, budget_usd=Decimal(2), set_by="ada"
        )
    second = await door.accept(repository)
    assert second.workflow.budget_usd == 2
    assert (await of_project()).set_by == "ada"
