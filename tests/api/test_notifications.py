"""Setting up who is told what: what is kept, what is told of it, and what is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.api.problem import problem_of
from tests.api.stage import Stage, client_of

PLACE = "/api/notifications"
WEBHOOK = {"name": "ops", "kind": "webhook", "url": "https://example.com/hook", "secretEnv": "ADW_NOTIFY_OPS"}
SLACK = {"name": "team", "kind": "slack", "urlEnv": "ADW_NOTIFY_SLACK"}
MAIL = {
    "name": "ann",
    "kind": "email",
    "host": "smtp.example.com",
    "sender": "adw@example.com",
    "recipients": ["ann@example.com"],
    "person": "Ann",
}


async def add(stage: Stage, **changes: Any) -> dict[str, Any]:
    answer = await stage.http.post(f"{PLACE}/channels", json={**WEBHOOK, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_channels_and_rules_are_kept_and_listed(stage: Stage):
    await add(stage, actor="pat")
    for body in (SLACK, MAIL):
        assert (await stage.http.post(f"{PLACE}/channels", json=body)).status_code == 201
    project = (await stage.work()).project_id
    rule = {
        "channel": "ann",
        "events": ["attention", "workflow_failed", "pull_request_merged"],
        "projects": ["repository"],
        "urgent": ["approval_requested"],
        "digestAt": ["17:00", "08:00"],
        "quietFrom": "22:00",
        "quietUntil": "07:00",
        "zone": "Europe/Berlin",
    }
    made = (await stage.http.post(f"{PLACE}/rules", json=rule)).json()
    assert made["events"].count("workflow_failed") == 1
    assert (made["digestAt"], made["projectIds"], made["enabled"]) == (["08:00", "17:00"], [project], True)
    off = (await stage.http.post(f"{PLACE}/rules/{made['id']}/off")).json()
    found = (await stage.http.get(PLACE)).json()
    assert [each["name"] for each in found["channels"]] == ["ann", "ops", "team"]
    assert found["rules"] == [off] == [made | {"enabled": False}]
    mail, webhook, _ = found["channels"]
    assert (mail["port"], mail["security"], mail["person"], mail["linkHours"]) == (587, "starttls", "Ann", 24)
    assert (webhook["missing"], webhook["createdBy"]) == (["ADW_NOTIFY_OPS"], "pat")
    assert (await stage.http.delete(f"{PLACE}/rules/{made['id']}")).status_code == 200
    assert (await stage.http.delete(f"{PLACE}/channels/ann")).json()["name"] == "ann"
    assert len((await stage.http.get(PLACE)).json()["channels"]) == 2


def check_unusable(answer: httpx.Response) -> None:
    """Whether it is the form of one field that is wrong, or how they go together."""
    assert answer.status_code in {409, 422}, answer.text
    assert answer.json()["code"] == "usage"


@pytest.mark.parametrize(
    "changes",
    [
        {"secretEnv": None},
        {"secretEnv": "ANTHROPIC_API_KEY"},
        {"secretEnv": "ADW_API_TOKEN"},
        {"url": None},
        {"url": "http://example.com/"},
        {"url": "https://user:password@example.com/"},
        {"url": "https://"},
        {"url": "file:///etc/passwd", "allowPrivate": True},
        {"url": "https://example.com/\r\nX: y"},
        {"urlEnv": "ADW_NOTIFY_URL"},
        {"name": "Ops!"},
        {"host": "smtp.example.com"},
        {"kind": "slack"},
        {"linkHours": 1000},
        {"secret": "shown"},
        {**MAIL, "url": None, "secretEnv": None, "recipients": ["ann@example.com\r\nBcc: eve@example.com"]},
        {**MAIL, "url": None, "secretEnv": None, "sender": "Ann <ann@example.com>"},
        {**MAIL, "url": None, "secretEnv": None, "recipients": []},
        {**MAIL, "url": None, "secretEnv": None, "security": "none"},
        {**MAIL, "url": None, "secretEnv": None, "username": "ann"},
        {**MAIL, "url": None, "secretEnv": None, "host": "a b"},
    ],
)
async def test_a_channel_that_cannot_work_or_could_leak_is_refused(shared: Stage, changes: dict[str, Any]):
    answer = await shared.http.post(f"{PLACE}/channels", json={**WEBHOOK, **changes})
    check_unusable(answer)
    assert (await shared.http.get(PLACE)).json()["channels"] == []


async def test_a_rule_that_cannot_work_is_refused(stage: Stage):
    await add(stage)
    problem_of(await stage.http.post(f"{PLACE}/channels", json=WEBHOOK), status=409, code="conflict")
    good = {"channel": "ops", "events": ["ends"]}
    for changes in (
        {"events": []},
        {"events": ["agent_text"]},
        {"urgent": ["everything"]},
        {"digestMinutes": 5, "digestAt": ["08:00"]},
        {"digestMinutes": 0},
        {"digestAt": ["24:00"]},
        {"quietFrom": "22:00"},
        {"zone": "Mars/Base"},
    ):
        check_unusable(await stage.http.post(f"{PLACE}/rules", json=good | changes))
    for changes in ({"channel": "nobody"}, {"projects": ["nothing"]}):
        problem_of(await stage.http.post(f"{PLACE}/rules", json=good | changes), status=404, code="not_found")
    for method, path in (
        ("DELETE", "channels/x"),
        ("POST", "channels/x/test"),
        ("DELETE", "rules/x"),
        ("POST", "rules/x/on"),
        ("POST", "deliveries/x/retry"),
        ("GET", "deliveries?channel=x"),
    ):
        problem_of(await stage.http.request(method, f"{PLACE}/{path}"), status=404, code="not_found")


async def test_a_test_is_put_on_its_way(stage: Stage):
    await add(stage)
    sent = (await stage.http.post(f"{PLACE}/channels/ops/test")).json()
    assert (sent["state"], sent["ruleId"]) == ("waiting", None)
    assert (await stage.http.get(f"{PLACE}/deliveries?channel=ops&state=waiting")).json()["deliveries"] == [sent]
    answer = await stage.http.post(f"{PLACE}/deliveries/{sent['id']}/retry")
    problem_of(answer, status=409, code="wrong_state")


async def test_only_who_may_do_everything_sends_data_elsewhere(stage: Stage):
    await add(stage)
    for scope in ("read", "operate"):
        body = {"name": scope, "scope": scope}
        secret = (await stage.http.post("/api/tokens", json=body)).json()["secret"]
        async with client_of(stage.app, Authorization=f"Bearer {secret}") as client:
            assert (await client.get(PLACE)).status_code == 200
            assert (await client.get(f"{PLACE}/deliveries")).status_code == 200
            for method, path, sent in (
                ("POST", "channels", WEBHOOK | {"name": "mine"}),
                ("POST", "rules", {"channel": "ops", "events": ["ends"]}),
                ("POST", "channels/ops/test", None),
                ("DELETE", "channels/ops", None),
            ):
                answer = await client.request(method, f"{PLACE}/{path}", json=sent)
                problem_of(answer, status=403, code="forbidden")
