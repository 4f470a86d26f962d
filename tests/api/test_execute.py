"""One more thing on a workflow, by a command or in somebody's own words."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.problem import problem_of, unusable
from tests.api.stage import WORKFLOWS, Stage

from adw.api.routes.execute import COMMANDS
from adw.domain.events import EventType
from adw.domain.kinds import ON_EARLIER_WORK
from adw.domain.status import Status


async def completed(stage: Stage) -> str:
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    await stage.move(adw_id, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
    return adw_id


async def messages(stage: Stage, adw_id: str) -> list[str]:
    found = (await stage.http.get(f"{WORKFLOWS}/{adw_id}/messages")).json()["messages"]
    return [each["body"] for each in found]


@pytest.mark.parametrize("command", ["/test", "test", " /Resolve_Failed_Test "])
async def test_a_command_runs_its_phase(stage: Stage, command: str):
    adw_id = await completed(stage)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/execute", json={"slashCommand": command})
    assert answer.status_code == 201, answer.text
    assert (await stage.row(adw_id)).status is Status.QUEUED


async def test_a_prompt_on_finished_work_is_built_on(stage: Stage):
    adw_id = await completed(stage)
    for _ in range(2):
        wish = {"customPrompt": "Use the old format", "actor": "Ann"}
        answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/execute", json=wish, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201, answer.text
    assert (await stage.row(adw_id)).status is Status.QUEUED
    assert await messages(stage, adw_id) == ["Use the old format"]


async def test_a_prompt_for_work_under_way_is_heard_by_it(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/execute", json={"customPrompt": "Be brief"})
    assert answer.json()["workflow"]["status"] == "active"
    assert await messages(stage, adw_id) == ["Be brief"]


async def test_a_command_for_work_under_way_is_refused(stage: Stage):
    adw_id = (await stage.work()).adw_id
    await stage.activate(adw_id)
    answer = await stage.http.post(f"{WORKFLOWS}/{adw_id}/execute", json={"slashCommand": "/test"})
    problem_of(answer, status=409, code="wrong_state")


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"slashCommand": "/test", "customPrompt": "x"},
        {"slashCommand": "/rm"},
        {"customPrompt": "  "},
        {"customPrompt": "x" * 20_001},
        {"slashCommand": 7},
    ],
)
async def test_odd_wishes_are_refused(shared: Stage, sent: dict[str, Any]):
    adw_id = (await shared.work()).adw_id
    unusable(await shared.http.post(f"{WORKFLOWS}/{adw_id}/execute", json=sent))


def test_commands_lead_to_phases_there_are():
    assert set(COMMANDS.values()) == ON_EARLIER_WORK
