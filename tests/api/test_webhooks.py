from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from tests.api.problem import problem_of
from tests.api.stage import Stage, client_of

from adw.api.access.limits import PeerLimit
from adw.domain.triggers import Outcome, Why
from adw.forge.github.webhooks import MAX_BYTES, sign

SECRET = "a secret of this test"
PATH = "/webhooks/github"
ISSUE = {
    "number": 7,
    "title": "Totals are wrong",
    "body": None,
    "state": "open",
    "user": {"login": "ann", "type": "User"},
    "labels": [{"name": "adw:sdlc"}],
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}
OPENED: dict[str, Any] = {
    "action": "opened",
    "issue": ISSUE,
    "repository": {"full_name": "octo/tally"},
    "sender": {"login": "ann", "type": "User"},
}


@pytest.fixture
async def forge(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A forge that knows the secret, and nobody's token."""
    stage.app.state.services = replace(stage.services, webhook_secret=SECRET)
    async with client_of(stage.app) as client:
        del client.headers["Authorization"]
        yield client


def headers(body: bytes, **changes: str | None) -> dict[str, str]:
    usual = {
        "Host": "hooks.example.com",
        "X-Hub-Signature-256": sign(body, secret=SECRET),
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": "11111111-1111-1111-1111-111111111111",
        "Content-Type": "application/json",
    }
    given = usual | {name.replace("_", "-"): value for name, value in changes.items()}
    return {name: value for name, value in given.items() if value is not None}


async def deliver(forge: httpx.AsyncClient, payload: Any = OPENED, **changes: str | None) -> httpx.Response:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return await forge.post(PATH, content=body, headers=headers(body, **changes))


async def triggers(stage: Stage, **params: Any) -> list[dict[str, Any]]:
    answer = await stage.http.get("/api/triggers", params=params)
    assert answer.status_code == 200
    return answer.json()["triggers"]


async def test_a_delivery_is_written_down_and_acknowledged(stage: Stage, forge: httpx.AsyncClient):
    answer = await deliver(forge)
    assert answer.status_code == 202
    [row] = await triggers(stage)
    assert answer.json() == {"delivery": row["id"], "outcome": "pending", "reason": None}
    assert (row["event"], row["repository"], row["sender"], row["number"]) == ("issues.opened", "octo/tally", "ann", 7)


async def test_a_form_is_taken_as_well(stage: Stage, forge: httpx.AsyncClient):
    body = urlencode({"payload": json.dumps(OPENED)}).encode()
    assert (await deliver(forge, body, Content_Type="application/x-www-form-urlencoded")).status_code == 202
    assert [row["outcome"] for row in await triggers(stage)] == ["pending"]


async def test_what_comes_again_is_a_duplicate_under_any_name(stage: Stage, forge: httpx.AsyncClient):
    first = await deliver(forge)
    redelivered = await deliver(forge)
    replayed = await deliver(forge, X_GitHub_Delivery="22222222-2222-2222-2222-222222222222")
    assert [answer.json()["outcome"] for answer in (first, redelivered, replayed)] == [
        "pending",
        "duplicate",
        "duplicate",
    ]
    assert [(row["outcome"], row["times"]) for row in await triggers(stage)] == [("duplicate", 1), ("pending", 2)]


async def test_a_recorded_body_under_another_events_name_is_refused_visibly(stage: Stage, forge: httpx.AsyncClient):
    answer = await deliver(forge, X_GitHub_Event="issue_comment")
    problem_of(answer, status=400, code="bad_request")
    [row] = await triggers(stage)
    assert (row["outcome"], row["reason"]) == (Outcome.REFUSED, Why.WRONG_SHAPE)


@pytest.mark.parametrize("signature", [None, "sha256=" + "0" * 64, "nonsense"])
async def test_whoever_does_not_know_the_secret_is_refused_and_occupies_no_id(
    stage: Stage, forge: httpx.AsyncClient, signature: str | None
):
    for _ in range(3):
        problem_of(await deliver(forge, X_Hub_Signature_256=signature), status=401, code="unauthenticated")
    [row] = await triggers(stage, outcome="refused")
    assert (row["reason"], row["times"], row["repository"]) == (Why.BAD_SIGNATURE, 3, None)
    assert (await deliver(forge)).json()["outcome"] == "pending"


async def test_without_a_secret_everything_is_refused_and_the_variable_is_named(stage: Stage):
    async with client_of(stage.app) as forge:
        del forge.headers["Authorization"]
        found = problem_of(await deliver(forge), status=401, code="unauthenticated")
    assert "GITHUB_WEBHOOK_SECRET" in found["detail"]
    assert [row["reason"] for row in await triggers(stage)] == [Why.NO_SECRET]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Content_Type": "text/plain"}, Why.UNKNOWN_ENCODING),
        ({"Content_Type": None}, Why.UNKNOWN_ENCODING),
        ({"X_GitHub_Event": None}, Why.NO_EVENT),
        ({"X_GitHub_Delivery": None}, Why.NO_DELIVERY_ID),
    ],
)
async def test_odd_headers_are_refused_visibly(
    stage: Stage, forge: httpx.AsyncClient, changes: dict[str, str | None], why: Why
):
    problem_of(await deliver(forge, **changes), status=400, code="bad_request")
    assert [row["reason"] for row in await triggers(stage)] == [why]


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 200_000, b'{"a": "\\ud800"}', json.dumps(OPENED).encode()[:-9]])
async def test_odd_bodies_are_refused_visibly(stage: Stage, forge: httpx.AsyncClient, body: bytes):
    problem_of(await deliver(forge, body), status=400, code="bad_request")
    assert [row["reason"] for row in await triggers(stage)] == [Why.MALFORMED]


async def test_events_nobody_uses_and_pings_are_taken_well(stage: Stage, forge: httpx.AsyncClient):
    ping = {"zen": "Speak like a human.", "hook_id": 1, "hook": {}}
    answers = [
        await deliver(forge, ping, X_GitHub_Event="ping"),
        await deliver(forge, {"action": "created"}, X_GitHub_Event="star", X_GitHub_Delivery="33333333"),
    ]
    assert [(answer.status_code, answer.json()["reason"]) for answer in answers] == [
        (202, Why.PING),
        (202, Why.EVENT_NOT_USED),
    ]


async def test_a_body_of_more_than_a_megabyte_is_read_and_one_beyond_all_measure_is_not(
    stage: Stage, forge: httpx.AsyncClient
):
    large = {**OPENED, "issue": {**ISSUE, "body": "x" * 2_000_000}}
    assert (await deliver(forge, large)).status_code == 202

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000_000

    sent = headers(b"", X_GitHub_Delivery="44444444")
    answer = await forge.post(PATH, content=endless(), headers=sent)
    problem_of(answer, status=413, code="body_too_large")
    assert [row["reason"] for row in await triggers(stage, outcome="refused")] == [Why.TOO_LARGE]
    assert MAX_BYTES > 2_000_000


async def test_only_what_is_posted_there_passes_without_a_token(forge: httpx.AsyncClient):
    assert (await forge.get(PATH)).status_code == 405
    assert (await forge.post("/webhooks/other", content=b"")).status_code == 404
    problem_of(await forge.get("/api/triggers"), status=401, code="unauthenticated")


async def test_triggers_are_listed_by_page_outcome_and_project(stage: Stage, forge: httpx.AsyncClient):
    project = (await stage.work()).project_id
    for index in range(3):
        payload = {**OPENED, "issue": {**ISSUE, "number": index + 1}}
        await deliver(forge, payload, X_GitHub_Delivery=f"5555555{index}")
    first = (await stage.http.get("/api/triggers", params={"limit": 2})).json()
    rest = (await stage.http.get("/api/triggers", params={"after": first["nextCursor"]})).json()
    assert [row["number"] for row in (*first["triggers"], *rest["triggers"])] == [3, 2, 1]
    assert rest["nextCursor"] is None
    assert len(await triggers(stage, outcome="pending,refused")) == 3
    assert await triggers(stage, outcome="started") == []
    assert await triggers(stage, project=project) == []
    answer = await stage.http.get("/api/triggers", params={"after": "0"})
    problem_of(answer, status=422, code="usage")


class TestSchedules:
    async def test_one_is_added_listed_and_removed(self, stage: Stage):
        body = {"project": str(stage.repository), "cron": "0 3 * * 1", "prompt": " Tidy up ", "zone": "Europe/Berlin"}
        made = await stage.http.post("/api/schedules", json={**body, "actor": "ann", "workflowType": "plan_build"})
        assert made.status_code == 201
        schedule = made.json()
        assert (schedule["prompt"], schedule["workflowType"], schedule["createdBy"]) == ("Tidy up", "plan-build", "ann")
        listed = await stage.http.get("/api/schedules", params={"project": str(stage.repository)})
        assert listed.json() == {"schedules": [schedule]}
        assert (await stage.http.delete(f"/api/schedules/{schedule['id']}")).json() == schedule
        problem_of(await stage.http.delete(f"/api/schedules/{schedule['id']}"), status=404, code="not_found")

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"cron": "0 3 * *"}, 409),
            ({"cron": "0 0 30 2 *"}, 409),
            ({"zone": "Mars/Olympus"}, 409),
            ({"prompt": "   "}, 409),
            ({"workflowType": "nonsense"}, 409),
            ({"workflowType": "test"}, 409),
            ({"project": "nothing"}, 409),
        ],
    )
    async def test_what_cannot_be_planned_is_refused(self, stage: Stage, changes: dict[str, str], status: int):
        body = {"project": str(stage.repository), "cron": "0 3 * * 1", "prompt": "Tidy up"}
        answer = await stage.http.post("/api/schedules", json=body | changes)
        problem_of(answer, status=status, code="usage")


async def test_an_address_that_sends_too_many_has_to_wait(stage: Stage, forge: httpx.AsyncClient):
    stage.app.state.gate.webhooks = PeerLimit(burst=2, per_minute=0.1)
    assert [(await deliver(forge)).status_code for _ in range(2)] == [202, 202]
    answer = await deliver(forge)
    problem_of(answer, status=429, code="too_many_requests")
    assert int(answer.headers["retry-after"]) > 60
