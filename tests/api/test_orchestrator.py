"""Saying things to the orchestrator writes rows and nothing else; its tools are there for agents of others."""

from __future__ import annotations

import pytest
from tests.api.stage import Stage, make_repository

from adw.store.chat_turns import end_turn, take_turn
from adw.store.orchestrators import list_active_orchestrators

BASE = "/api/orchestrator"


async def test_what_is_said_waits_in_the_inbox_until_a_worker_answers(stage: Stage):
    said = await stage.http.post(f"{BASE}/chat", json={"message": "hello", "actor": "Ada"})
    assert said.status_code == 202
    posted = said.json()
    again = (await stage.http.get(f"{BASE}/history")).json()
    assert [(each["kind"], each["message"], each["turnId"]) for each in again["entries"]] == [
        ("message", "hello", posted["messageId"])
    ]
    assert again["waiting"] == 1
    async with stage.database.begin() as connection:
        turn = await take_turn(connection, owner="w")
        assert turn is not None
        await end_turn(connection, turn, state="answered", answer="Hello, Ada.")
    news = (await stage.http.get(f"{BASE}/history", params={"after": again["nextCursor"]})).json()
    assert [(each["kind"], each["message"]) for each in news["entries"]] == [("answer", "Hello, Ada.")]
    assert news["waiting"] == 0
    assert news["entries"][0]["turnId"] == posted["messageId"]


async def test_the_same_key_says_it_once(stage: Stage):
    keyed = {"headers": {"Idempotency-Key": "k"}, "json": {"message": "hello"}}
    first, second = [(await stage.http.post(f"{BASE}/chat", **keyed)).json() for _ in range(2)]
    assert first["messageId"] == second["messageId"]
    assert len((await stage.http.get(f"{BASE}/history")).json()["entries"]) == 1


async def test_interrupting_resetting_and_clearing_leave_what_is_not_answered(stage: Stage):
    assert (await stage.http.post(f"{BASE}/interrupt")).json()["turnId"] is None
    posted = (await stage.http.post(f"{BASE}/chat", json={"message": "one"})).json()
    async with stage.database.begin() as connection:
        turn = await take_turn(connection, owner="w")
    assert turn is not None
    assert (await stage.http.post(f"{BASE}/chat", json={"message": "two", "interrupt": True})).status_code == 202
    assert (await stage.http.post(f"{BASE}/interrupt")).json()["turnId"] == posted["messageId"]
    assert (await stage.http.post(f"{BASE}/reset")).json()["success"]
    assert (await stage.http.delete(f"{BASE}/history")).json()["deleted"] == 1, "only the notice of the reset"
    assert [each["message"] for each in (await stage.http.get(f"{BASE}/history")).json()["entries"]] == ["one", "two"]


async def test_choices_are_kept_and_shown_and_what_is_left_out_stays(stage: Stage):
    usual = (await stage.http.get(f"{BASE}/metrics")).json()
    assert (usual["budgetUsd"], usual["wake"], usual["quietFrom"], usual["contextPercent"]) == (20, True, None, 0)
    chosen = {
        "budgetUsd": 3.5,
        "wake": False,
        "quietFrom": "22:00",
        "quietUntil": "07:30",
        "quietZone": "Europe/Berlin",
    }
    shown = (await stage.http.put(f"{BASE}/settings", json=chosen)).json()
    assert {name: shown[name] for name in chosen} == chosen
    later = (await stage.http.put(f"{BASE}/settings", json={"wake": True})).json()
    assert (later["budgetUsd"], later["wake"], later["quietFrom"]) == (3.5, True, "22:00")
    assert (await stage.http.put(f"{BASE}/settings", json={"quiet": False})).json()["quietFrom"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/chat", {"message": ""}, 422),
        ("POST", "/chat", {"message": "a\0b"}, 422),
        ("POST", "/chat", {"message": "a", "messages": "b"}, 422),
        ("PUT", "/settings", {"budgetUsd": 0}, 422),
        ("PUT", "/settings", {"quietFrom": "25:00", "quietUntil": "07:00"}, 409),
        ("PUT", "/settings", {"quietFrom": "22:00"}, 409),
        ("PUT", "/settings", {"quietFrom": "22:00", "quietUntil": "07:00", "quietZone": "Nowhere/Such"}, 409),
        ("GET", "/history?orchestrator=00000000-0000-0000-0000-000000000000", None, 404),
        ("GET", "/history?after=x", None, 422),
        ("POST", "/tools/no_such_tool", {"arguments": {}}, 404),
        ("GET", "/tools/cancel", None, 409),
        ("GET", "/tools/list_workflows?input=[1]", None, 422),
        ("GET", "/tools/list_workflows?input=x", None, 422),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(shared: Stage, method, path, body, status):
    answer = await shared.http.request(method, f"{BASE}{path}", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_tools_are_listed_with_schemas_and_called_by_name(stage: Stage):
    tools = {each["name"]: each for each in (await stage.http.get(f"{BASE}/tools")).json()["tools"]}
    assert {"start_workflow", "get_diff", "message_agent", "read_system_logs"} <= set(tools)
    assert tools["get_workflow"]["inputSchema"]["required"] == ["adw_id"]
    workflow = await stage.work()
    shown = await stage.http.get(f"{BASE}/tools/get_workflow", params={"input": f'{{"adw_id": "{workflow.adw_id}"}}'})
    assert "status: queued" in shown.json()["text"]
    call = {"arguments": {"adw_id": workflow.adw_id}, "actor": "Ada"}
    done = (await stage.http.post(f"{BASE}/tools/cancel", json=call)).json()
    assert (done["isError"], (await stage.row(workflow.adw_id)).status) == (False, "cancelled")
    refused = (await stage.http.post(f"{BASE}/tools/retry", json=call)).json()
    assert refused["isError"]
    assert "hint:" in refused["text"]
    nonsense = (await stage.http.post(f"{BASE}/tools/cancel", json={"arguments": {"id": 1}})).json()
    assert nonsense == {"text": nonsense["text"], "isError": True}
    assert "adw_id: Field required" in nonsense["text"]


async def test_an_orchestrator_is_made_once_for_a_server(stage: Stage):
    for _ in range(2):
        await stage.http.get(f"{BASE}/metrics")
    async with stage.database.read() as connection:
        assert len(await list_active_orchestrators(connection)) == 1


async def test_a_folder_of_its_own_is_what_is_meant_and_what_it_is_known_by(stage: Stage):
    usual = (await stage.http.get(f"{BASE}/metrics")).json()["orchestratorId"]
    await stage.work()
    twin = make_repository(stage.root / "elsewhere" / "shop")
    object.__setattr__(stage.services, "home", twin)
    assert (await stage.http.get(f"{BASE}/metrics")).json()["orchestratorId"] != usual
    wish = {"arguments": {"title": "Fix the date"}}
    said = (await stage.http.post(f"{BASE}/tools/create_issue", json=wish)).json()
    assert "of shop-" in said["text"], said
    object.__setattr__(stage.services, "home", None)
    said = (await stage.http.post(f"{BASE}/tools/create_issue", json=wish)).json()
    assert "not clear which project" in said["text"]
