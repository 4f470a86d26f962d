"""Each tool against real services: what it says, what it refuses, and that nothing it is given breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import MakeWorkflow

from adw.chat.tools import TOOLS, Caller, Doors, ToolAnswer, call_tool, tools_for
from adw.domain.approval import ApprovalKind
from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status
from adw.store import approvals
from adw.store.events import append_event
from adw.store.messages import list_messages
from adw.store.workflows import list_workflows, require_workflow, transition

ADA = Caller(actor="chat:ada", source="chat", turn="t1")


@pytest.fixture
def use(doors: Doors):
    async def call(name: str, /, caller: Caller = ADA, **given: Any) -> ToolAnswer:
        return await call_tool(doors, caller, name, given)

    return call


async def move(doors: Doors, adw_id: str, *statuses: Status, **changes: Any) -> None:
    for status in statuses:
        async with doors.database.begin() as connection:
            event = NewEvent(type=EventType.WORKFLOW_UPDATED)
            await transition(connection, adw_id, to=status, event=event, changes=changes)


async def test_all_looking_tools_answer_before_there_is_anything(use):
    for tool in tools_for(read_only=True):
        given = dict.fromkeys(tool.schema.get("required", []), "0a1b2c3d")
        answer = await use(tool.name, **given)
        assert answer.text
        assert answer.is_error == bool(given), (tool.name, answer.text)


async def test_a_run_is_told_in_short_lines(use, doors: Doors, make_workflow: MakeWorkflow):
    workflow = await make_workflow()
    await move(doors, workflow.adw_id, Status.ACTIVE)
    async with doors.database.begin() as connection:
        await append_event(connection, workflow.adw_id, NewEvent(type=EventType.ERROR, message="The disk\nis gone"))
        await approvals.ask(
            connection, adw_id=workflow.adw_id, kind=ApprovalKind.PLAN, key="plan", question="Is it good?", data={}
        )
    assert f"{workflow.adw_id} active, phase initialized" in (await use("list_workflows", statuses=["active"])).text
    assert (await use("list_workflows", words="nothing like it")).text == "there is no such workflow"
    shown = (await use("get_workflow", adw_id=workflow.adw_id[:5])).text
    assert "status: active" in shown
    assert "plan_approval" in shown
    assert "Is it good?" in (await use("list_approvals")).text
    assert "error The disk is gone" in (await use("get_events", adw_id=workflow.adw_id)).text
    assert len((await use("get_events", adw_id=workflow.adw_id, limit=1)).text.splitlines()) == 1
    assert "The disk is gone" in (await use("read_system_logs", contains="DISK")).text
    assert "spent_usd: 0.0000" in (await use("report_cost", adw_id=workflow.adw_id)).text
    assert "requests: 0" in (await use("report_cost")).text
    assert (await use("get_diff", adw_id=workflow.adw_id)).text == "nothing is changed yet"
    assert "/srv/tally" in (await use("list_projects")).text


async def test_a_run_is_steered_and_each_deed_bears_the_name_of_who_did_it(
    use, doors: Doors, make_workflow: MakeWorkflow
):
    workflow = await make_workflow()
    await move(doors, workflow.adw_id, Status.ACTIVE)
    assert "paused" in (await use("pause", adw_id=workflow.adw_id)).text
    assert " active" in (await use("resume", adw_id=workflow.adw_id)).text
    assert "hear it" in (await use("message_agent", adw_id=workflow.adw_id, message="Use the old format")).text
    async with doors.database.begin() as connection:
        asked, _ = await approvals.ask(
            connection, adw_id=workflow.adw_id, kind=ApprovalKind.PLAN, key="plan", question="?", data={}
        )
        call, _ = await approvals.ask(
            connection, adw_id=workflow.adw_id, kind=ApprovalKind.TOOL, key="tool", question="?", data={}
        )
    await move(doors, workflow.adw_id, Status.WAITING, wait_reason="approval")
    assert "is allowed" in (await use("approve", reference=str(call.id), allow=True, input={"command": "ls"})).text
    assert "is allowed" in (await use("approve", reference=str(asked.id), allow=True, reason="good")).text
    assert "cancelled" in (await use("cancel", adw_id=workflow.adw_id)).text
    refused = await use("retry", adw_id=workflow.adw_id)
    assert refused.is_error
    async with doors.database.read() as connection:
        (heard,) = await list_messages(connection, workflow.adw_id)
        decided, edited = await approvals.list_approvals(connection, adw_id=workflow.adw_id)
        assert (await require_workflow(connection, workflow.adw_id)).status is Status.CANCELLED
    assert heard.author == decided.decided_by == edited.decided_by == "chat:ada"
    assert edited.edited_input == {"command": "ls"}


async def test_the_same_order_of_the_same_turn_is_one_and_of_another_turn_is_another(
    use, doors: Doors, repository: Path
):
    order = {"project": str(repository), "prompt": "Fix the date", "kind": "plan-build"}
    first, second = await use("start_workflow", **order), await use("start_workflow", **order)
    assert first.text.splitlines()[0] == second.text.splitlines()[0]
    issue = await use("create_issue", title="Fix the time")
    assert issue.text == (await use("create_issue", title="Fix the time")).text
    later = Caller(actor="chat:ada", source="chat", turn="t2")
    assert (await use("start_workflow", later, **order)).text.splitlines()[0] != first.text.splitlines()[0]
    async with doors.database.read() as connection:
        assert len(await list_workflows(connection)) == 2


async def test_without_a_single_project_it_must_be_named(use):
    refused = await use("create_issue", title="Fix it")
    assert refused.is_error
    assert "hint: name a repository's path" in refused.text


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"adw_id": 1},
        {"adw_id": ""},
        {"adw_id": "a\0"},
        {"adw_id": "\ud800"},
        {"adw_id": "zz"},
        {"id": "a", "adw_id": "a"},
    ],
)
async def test_nonsense_is_answered_in_words(use, given):
    for name in ("get_workflow", "cancel", "get_events"):
        answer = await use(name, **given)
        assert answer.is_error
        assert answer.text


async def test_an_unknown_tool_is_answered_with_those_there_are(use):
    answer = await use("drop_tables")
    assert answer.is_error
    assert "start_workflow" in answer.text


def test_every_tool_has_a_name_of_its_own_a_purpose_and_a_schema_that_refuses_what_it_does_not_know():
    assert len({tool.name for tool in TOOLS}) == len(TOOLS)
    for tool in TOOLS:
        assert tool.about.endswith(".")
        assert tool.schema["type"] == "object"
        assert tool.schema["additionalProperties"] is False
    assert all(not tool.asked_for or tool.scope == "operate" for tool in TOOLS)
    assert {tool.name for tool in tools_for(unasked=True)} >= {"pause", "retry", "get_diff"}
    assert not {"approve", "start_workflow", "cancel"} & {tool.name for tool in tools_for(unasked=True)}


async def test_two_runs_are_compared_and_one_is_done_again_otherwise(use, doors: Doors, repository: Path):
    order = {"project": str(repository), "kind": "plan-build"}
    made = [(await use("start_workflow", prompt=words, **order)).text.split()[1] for words in ("One way", "Another")]
    shown = (await use("compare", adw_id=made[0], other=made[1][:7])).text
    assert shown.count("status: queued") == 2
    assert shown.endswith("their results are the same")
    await move(doors, made[0], Status.ACTIVE)
    await move(doors, made[0], Status.FAILED)
    again = await use("retry", adw_id=made[0], model="m-5", message="Mind the zone")
    assert not again.is_error, again.text
    async with doors.database.read() as connection:
        assert (await require_workflow(connection, made[0])).options.model == "m-5"
        assert [each.body for each in await list_messages(connection, made[0])] == ["Mind the zone"]
    assert (await use("retry", adw_id=made[0], message="  ")).is_error
