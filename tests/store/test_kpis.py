from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from adw.domain.failure import Failure, FailureClass
from adw.domain.kpi import Sizes
from adw.domain.phase import Evidence, GateOutcome, PhaseStatus
from adw.domain.project import ForgeKind
from adw.store import phases
from adw.store.agent_outputs import create_agent_output
from adw.store.evidenced import find_passed
from adw.store.kpis import KpiFilter, list_kpis, record_kpi, report_kpis
from adw.store.phases import record_evidence, supersede_phases
from adw.store.projects import ensure_project
from adw.store.tables.work import kpis

SIZES = Sizes(plan_lines=30, diff_files=3, diff_additions=40, diff_deletions=2)
ALL = KpiFilter()
FAILED = Failure(failure_class=FailureClass.GATE_FAILED, message="2 tests fail", phase="build")


@pytest.fixture
def attempt(database):
    async def make(adw_id, phase, number, failure=None):
        status = PhaseStatus.FAILED if failure else PhaseStatus.COMPLETED
        async with database.begin() as connection:
            await phases.start_phase(connection, adw_id=adw_id, phase=phase, attempt=number, commit_before=None)
            await phases.end_phase(
                connection, adw_id=adw_id, phase=phase, attempt=number, status=status, failure=failure
            )

    return make


@pytest.fixture
def ends(database, attempt, make_workflow):
    """A workflow that has ended, with this many attempts at its one phase."""

    async def end(*, attempts=1, succeeded=True, sizes=SIZES, **changes):
        adw_id = (await make_workflow(issue_number=None, **changes)).adw_id
        for number in range(1, attempts + 1):
            await attempt(adw_id, "build", number, None if succeeded and number == attempts else FAILED)
        async with database.begin() as connection:
            await record_kpi(connection, adw_id, sizes=sizes, succeeded=succeeded)
        return adw_id

    return end


async def test_rounds_and_attempts_are_counted_from_the_records(database, make_workflow, attempt):
    adw_id = (await make_workflow()).adw_id
    for phase, number, failure in (
        ("plan", 1, None),
        ("build", 1, FAILED),
        ("build", 2, None),
        ("test", 1, FAILED),
        ("test", 2, None),
        ("document", 1, None),
        ("document", 2, None),
    ):
        await attempt(adw_id, phase, number, failure)
    conversations = (
        ("planner", "plan", 0), ("implementor", "build", 0), ("implementor", "build", 1), ("implementor", "build", 2),
        ("resolver", "test", 1), ("reviewer", "review", 1), ("patcher", "review", 1), ("reviewer", "review", 2),
        ("documenter", "document", 1),
    )  # fmt: skip
    async with database.begin() as connection:
        for role, phase, number in conversations:
            await create_agent_output(
                connection, adw_id=adw_id, agent_name=role, phase=phase, round_number=number, model="m"
            )
        await record_kpi(connection, adw_id, sizes=SIZES, succeeded=True)
        (found,) = await list_kpis(connection, ALL)
    assert (found.attempts, found.repair_rounds, found.review_rounds) == (3, 3, 2)
    assert (found.sizes, found.succeeded, found.workflow_type) == (SIZES, True, "plan-build-test")


async def test_a_workflow_that_ends_anew_replaces_its_row(database, ends, attempt):
    adw_id = await ends(succeeded=False, sizes=Sizes())
    await attempt(adw_id, "build", 2)
    async with database.begin() as connection:
        (before,) = await list_kpis(connection, ALL)
        await record_kpi(connection, adw_id, sizes=SIZES, succeeded=True)
        (after,) = await list_kpis(connection, ALL)
    assert (before.succeeded, before.attempts) == (False, 1)
    assert (after.succeeded, after.attempts, after.sizes) == (True, 2, SIZES)
    assert after.recorded_at > before.recorded_at


async def test_summaries_are_by_project_and_kind(database, ends):
    for attempts, succeeded in ((1, True), (1, True), (2, True), (1, True)):
        await ends(attempts=attempts, succeeded=succeeded)
    async with database.begin() as connection:
        other = {"project_id": "other", "name": "abacus", "forge": ForgeKind.LOCAL, "source": "/srv/abacus"}
        await ensure_project(connection, **other, base_branch="main")
    await ends(project_id="other", workflow_type="sdlc", succeeded=False)
    await ends(project_id="other")
    async with database.read() as connection:
        report = await report_kpis(connection, ALL)
        one = await report_kpis(connection, KpiFilter(workflow_type="sdlc"))
        of_other = await report_kpis(connection, KpiFilter(project_id="other"))
    found = {(group.project_id, group.workflow_type): group.summary for group in report.groups}
    assert len(found) == 3
    tally = found["tally-0a1b2c3d", "plan-build-test"]
    assert (tally.workflows, tally.current_streak, tally.longest_streak, tally.attempts.total) == (4, 1, 2, 5)
    assert report.total.workflows == 6
    assert report.total.succeeded == 5
    assert [each.workflow_type for each in one.groups] == ["sdlc"]
    assert one.total.succeeded == 0
    assert [(each.project_name, each.workflow_type) for each in of_other.groups] == [
        ("abacus", "plan-build-test"),
        ("abacus", "sdlc"),
    ]


async def test_the_latest_are_listed_first_and_old_ones_left_out(database, ends):
    first, second = await ends(), await ends()
    tomorrow = KpiFilter(since=datetime.now(UTC) + timedelta(days=1))
    async with database.read() as connection:
        assert [each.adw_id for each in await list_kpis(connection, ALL)] == [second, first]
        assert [each.adw_id for each in await list_kpis(connection, ALL, limit=1)] == [second]
        assert await list_kpis(connection, tomorrow) == []
        assert (await report_kpis(connection, tomorrow)).total.workflows == 0


async def test_what_is_rolled_back_is_not_measured(database, make_workflow):
    adw_id = (await make_workflow()).adw_id
    async with database.read() as connection:
        await record_kpi(connection, adw_id, sizes=SIZES, succeeded=True)
    async with database.read() as connection:
        assert (await connection.execute(select(kpis))).all() == []


async def test_a_commit_is_known_to_be_good_whoever_found_out(database, make_workflow):
    one, other = await make_workflow(issue_number=1), await make_workflow(issue_number=2)
    wanted = {"project_id": one.project_id, "gate": "document", "commit": "c1"}
    good = Evidence(gate="document", outcome=GateOutcome.PASSED, commit="c1", summary="there", data={"files": ["a.md"]})
    bad = Evidence(gate="document", outcome=GateOutcome.FAILED, commit="c1", summary="no")
    async with database.begin() as connection:
        await record_evidence(connection, adw_id=other.adw_id, phase="document", attempt=1, found=bad)
        assert await find_passed(connection, **wanted) is None
        await record_evidence(connection, adw_id=one.adw_id, phase="document", attempt=1, found=good)
        assert await find_passed(connection, **wanted) == good
        assert await find_passed(connection, **wanted | {"project_id": "other"}) is None
        assert await find_passed(connection, **wanted | {"commit": "c2"}) is None
        await supersede_phases(connection, adw_id=one.adw_id, names=["document"])
        assert await find_passed(connection, **wanted) == good
