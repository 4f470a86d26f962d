from __future__ import annotations

from tests.api.stage import Stage

from adw.domain.kpi import Sizes
from adw.store.kpis import record_kpi

KPI = "/api/analytics/kpi"


async def end(stage: Stage, *, succeeded: bool = True, kind: str = "plan-build-test") -> str:
    adw_id = (await stage.work(kind=kind)).adw_id
    sizes = Sizes(plan_lines=12, diff_files=2, diff_additions=7, diff_deletions=1)
    async with stage.database.begin() as connection:
        await record_kpi(connection, adw_id, sizes=sizes, succeeded=succeeded)
    return adw_id


async def test_what_was_measured_is_told_by_project_and_kind(stage: Stage):
    first = await end(stage)
    second = await end(stage, succeeded=False, kind="sdlc")
    told = (await stage.http.get(KPI)).json()
    assert [(each["projectName"], each["workflowType"]) for each in told["groups"]] == [
        ("repository", "plan-build-test"),
        ("repository", "sdlc"),
    ]
    good, bad = (each["summary"] for each in told["groups"])
    assert (good["currentStreak"], good["longestStreak"], good["atFirstAttempt"]) == (1, 1, 1)
    assert good["diffLines"] == {"total": 8, "largest": 8, "average": 8.0, "median": 8.0}
    assert (bad["succeeded"], bad["currentStreak"]) == (0, 0)
    assert (told["total"]["workflows"], told["total"]["planLines"]["total"]) == (2, 24)
    assert [(each["adwId"], each["succeeded"]) for each in told["workflows"]] == [(second, False), (first, True)]


async def test_it_can_be_narrowed(stage: Stage):
    adw_id = await end(stage)
    await end(stage, kind="sdlc")
    project = str(stage.repository)
    narrowed = (await stage.http.get(KPI, params={"project": project, "kind": "plan_build_test", "limit": 1})).json()
    assert [each["adwId"] for each in narrowed["workflows"]] == [adw_id]
    later = (await stage.http.get(KPI, params={"since": "2999-01-01"})).json()
    assert (later["total"]["workflows"], later["groups"], later["workflows"]) == (0, [], [])
    assert later["since"] == "2999-01-01T00:00:00Z"
    assert (await stage.http.get(KPI, params={"project": "nowhere"})).status_code == 404
    assert (await stage.http.get(KPI, params={"since": "soon"})).status_code == 422
