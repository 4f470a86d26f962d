"""Free agents by HTTP: rows are written, nothing is carried out here, and each refusal changes nothing."""

from __future__ import annotations

import asyncio

import pytest
from tests.api.stage import Stage, git

from adw.api.serve import _Serving, _stop_when_idle
from adw.domain.free_agent import CommandState
from adw.store.chat_turns import owner_of
from adw.store.free_agent_work import end_work, take_work

BASE = "/api/orchestrator/agents"
HELPER = {"name": "helper", "systemPrompt": "You help.", "actor": "Ada"}


async def test_an_agent_is_made_commanded_looked_at_and_deleted(stage: Stage):
    made = await stage.http.post(BASE, json={**HELPER, "template": "researcher", "budgetUsd": 2})
    assert made.status_code == 201
    agent = made.json()
    assert (agent["tools"], agent["budgetUsd"], agent["template"]) == (["Read", "Glob", "Grep"], 2, "researcher")
    told = await stage.http.post(f"{BASE}/helper/command", json={"command": "Look around", "actor": "Ada"})
    assert (told.status_code, told.json()["state"]) == (202, "queued")
    async with stage.database.begin() as connection:
        work = await take_work(connection, owner=owner_of("w"), host="here")
        assert work is not None
    assert (await stage.http.get(f"{BASE}/helper")).json()["status"] == "executing"
    stopped = (await stage.http.post(f"{BASE}/helper/interrupt")).json()
    assert stopped["commands"] == [told.json()["id"]]
    async with stage.database.begin() as connection:
        await end_work(connection, work, state=CommandState.INTERRUPTED, answer="interrupted")
    shown = (await stage.http.get(f"{BASE}/{agent['id']}")).json()
    assert (shown["status"], shown["openCommands"], shown["lastCommand"]["state"]) == ("interrupted", [], "interrupted")
    assert shown["systemPrompt"].endswith("You help.")

    log = (await stage.http.get(f"{BASE}/helper/logs")).json()
    assert [each["kind"] for each in log["entries"]] == ["command", "notice"]
    later = (await stage.http.get(f"{BASE}/helper/logs", params={"after": log["nextCursor"]})).json()
    assert later["entries"] == []
    assert [each["name"] for each in (await stage.http.get(BASE)).json()["agents"]] == ["helper"]
    assert (await stage.http.delete(f"{BASE}/helper")).json()["status"] == "deleted"
    assert (await stage.http.get(f"{BASE}/helper")).status_code == 404
    assert (await stage.http.post(BASE, json=HELPER)).status_code == 201, "the name is free"
    gone = (await stage.http.get(BASE, params={"deleted": True})).json()["agents"]
    assert [each["id"] for each in gone] == [agent["id"]]
    late = await stage.http.post(f"{BASE}/{agent['id']}/command", json={"command": "Are you there?"})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")


async def test_the_same_key_makes_one_agent_and_one_command(stage: Stage):
    keyed = {"headers": {"Idempotency-Key": "k"}}
    made = [(await stage.http.post(BASE, json=HELPER, **keyed)).json()["id"] for _ in range(2)]
    assert made[0] == made[1]
    told = [await stage.http.post(f"{BASE}/helper/command", json={"command": "Go"}, **keyed) for _ in range(2)]
    assert told[0].json() == told[1].json()
    assert len((await stage.http.get(f"{BASE}/helper/logs")).json()["entries"]) == 1


async def test_templates_of_a_repository_come_beside_ours_and_one_that_is_broken_keeps_nobody(stage: Stage):
    folder = stage.repository / ".claude" / "agents"
    folder.mkdir(parents=True)
    (folder / "reviewer.md").write_text("---\nname: reviewer\ndescription: Ours\ntools: Read\n---\nReview.\n")
    (folder / "broken.md").write_text("no head\n")
    git(stage.repository, "add", ".")
    git(stage.repository, "commit", "--quiet", "-m", "Agents")
    unknown = await stage.http.get("/api/orchestrator/templates", params={"project": str(stage.repository)})
    assert unknown.status_code == 404, "looking makes no project"
    project = {"project": str(stage.repository)}
    made = (await stage.http.post(BASE, json={**HELPER, **project, "template": "Reviewer"})).json()
    assert (made["tools"], made["baseSha"][:6]) == (["Read"], git(stage.repository, "rev-parse", "HEAD")[:6])
    found = (await stage.http.get("/api/orchestrator/templates", params=project)).json()
    assert [each["name"] for each in found["templates"]] == ["builder", "researcher", "reviewer"]
    assert found["templates"][2]["origin"] == ".claude/agents/reviewer.md"
    assert [each["origin"] for each in found["broken"]] == [".claude/agents/broken.md"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"systemPrompt": None}, 409),
        ({"name": "Not a name"}, 422),
        ({"name": "../x"}, 422),
        ({"tools": ["WebSearch"]}, 422),
        ({"template": "reviewer", "tools": ["Bash"]}, 409),
        ({"template": "nobody"}, 404),
        ({"project": "/nowhere/at/all"}, 409),
        ({"budgetUsd": 0}, 422),
        ({"colour": "red"}, 422),
    ],
)
async def test_what_cannot_be_an_agent_is_refused(stage: Stage, body: dict[str, object], status: int):
    given = {name: value for name, value in {**HELPER, **body}.items() if value is not None}
    refused = await stage.http.post(BASE, json=given)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert (await stage.http.get(BASE)).json()["agents"] == []


async def test_a_server_that_ends_when_nobody_needs_it_stays_while_an_agent_has_something_to_do(stage: Stage):
    serving = _Serving(host="127.0.0.1", port=0, server="uvicorn", idle_exit_s=0.02)
    await stage.http.post(BASE, json=HELPER)
    await stage.http.post(f"{BASE}/helper/command", json={"command": "Go"})
    waiting = asyncio.create_task(_stop_when_idle(serving, stage.database))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    await stage.http.post(f"{BASE}/helper/interrupt")
    async with asyncio.timeout(5):
        await waiting
    assert serving.stop.is_set()
