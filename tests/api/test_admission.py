from __future__ import annotations

from tests.api.problem import problem_of
from tests.api.stage import Stage

from adw.domain.admission import Because, QueueReason
from adw.store.queue import write_reasons

WORKFLOWS = "/api/adw/workflows"


def ask(stage: Stage, **changes: object) -> dict[str, object]:
    return {"project": str(stage.repository), "prompt": "Fix it", "workflowType": "plan"} | changes


async def test_work_that_waits_says_for_what_and_where_it_stands(stage: Stage):
    first = (await stage.http.post(WORKFLOWS, json=ask(stage))).json()["workflow"]
    assert (first["queuedBecause"], first["dependsOn"]) == (None, [])
    second = await stage.http.post(WORKFLOWS, json=ask(stage, dependsOn=[first["adwId"][:7]], priority=2))
    assert second.status_code == 201
    child = second.json()["workflow"]
    assert (child["dependsOn"], child["priority"]) == ([first["adwId"]], 2)
    reasons = {
        first["adwId"]: Because(reason=QueueReason.SLOTS, detail="waiting for a slot (1 of 1 in use)"),
        child["adwId"]: Because(reason=QueueReason.DEPENDS_ON, detail=f"waits for {first['adwId']}"),
    }
    async with stage.database.begin() as connection:
        await write_reasons(connection, reasons)
    listed = (await stage.http.get(WORKFLOWS)).json()["workflows"]
    assert [each["queuedBecause"] for each in listed] == [
        {"reason": "depends_on", "detail": f"waits for {first['adwId']}", "position": None},
        {"reason": "slots", "detail": "waiting for a slot (1 of 1 in use)", "position": 1},
    ]
    shown = (await stage.http.get(f"{WORKFLOWS}/{first['adwId']}")).json()
    assert shown["queuedBecause"]["position"] == 1


async def test_what_cannot_be_waited_for_is_refused(stage: Stage):
    answer = await stage.http.post(WORKFLOWS, json=ask(stage, dependsOn=["ffffffff"]))
    problem_of(answer, status=404, code="not_found")
    first = (await stage.http.post(WORKFLOWS, json=ask(stage))).json()["adwId"]
    await stage.http.post(f"{WORKFLOWS}/{first}/cancel")
    answer = await stage.http.post(WORKFLOWS, json=ask(stage, dependsOn=[first]))
    assert "never be done" in answer.json()["detail"]
