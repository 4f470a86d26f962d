from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import typing

import pytest
from sqlalchemy import text
from tests.client.commanding import command
from tests.client.conftest import Live

from adw.api.routes import ROUTERS, hosts
from adw.api.routes.approvals import DecidedView
from adw.api.routes.config import SettingList
from adw.api.routes.health import Health, Readiness
from adw.api.views import (
    access,
    analytics,
    budgets,
    changes,
    evidence,
    forge,
    free_agents,
    kpi,
    messages,
    notifications,
    orchestrator,
    orders,
    projects,
    records,
    steering,
    transcript,
)
from adw.api.views import workflow as workflows
from adw.api.views.approvals import ApprovalList
from adw.api.views.events import EventPage
from adw.api.views.triggers import ScheduleList, TriggerPage
from adw.client import AdwClient, AsyncAdwClient, calls
from adw.client import types as t
from adw.domain.events import EventType
from adw.domain.kinds import ON_EARLIER_WORK
from adw.domain.status import Status
from adw.kit.errors import UsageError
from adw.store.phases import start_phase
from adw.store.results import save_artifact

SAME = [
    (Health, t.HealthDict),
    (Readiness, t.ReadinessDict),
    (workflows.WorkflowView, t.WorkflowDict),
    (workflows.WorkflowPage, t.WorkflowPageDict),
    (workflows.WorkflowAnswer, t.WorkflowAnswerDict),
    (workflows.AcceptedView, t.AcceptedDict),
    (orders.PreviewView, t.PreviewDict),
    (ApprovalList, t.ApprovalListDict),
    (DecidedView, t.DecidedDict),
    (EventPage, t.EventPageDict),
    (records.PhaseList, t.PhaseListDict),
    (records.OutputList, t.OutputListDict),
    (evidence.EvidenceList, t.EvidenceListDict),
    (changes.DiffStat, t.DiffStatDict),
    (transcript.TranscriptView, t.TranscriptDict),
    (analytics.CostTable, t.CostTableDict),
    (kpi.KpiTable, t.KpiTableDict),
    (budgets.BudgetList, t.BudgetListDict),
    (records.WorkflowUsage, t.WorkflowUsageDict),
    (records.ArtifactList, t.ArtifactListDict),
    (projects.ProjectList, t.ProjectListDict),
    (projects.AddedProject, t.AddedProjectDict),
    (projects.ProjectDetail, t.ProjectDetailDict),
    (forge.IssueList, t.IssueListDict),
    (forge.IssueDetail, t.IssueDetailDict),
    (forge.PullList, t.PullListDict),
    (forge.PullDetail, t.PullDetailDict),
    (forge.PullAnswer, t.PullAnswerDict),
    (forge.MergedView, t.MergedDict),
    (steering.TakeoverView, t.TakeoverDict),
    (messages.MessageList, t.MessageListDict),
    (steering.AgentList, t.AgentListDict),
    (free_agents.FreeAgentList, t.FreeAgentListDict),
    (free_agents.FreeAgentDetail, t.FreeAgentDetailDict),
    (free_agents.StoppedView, t.StoppedDict),
    (free_agents.AgentLogView, t.AgentLogDict),
    (free_agents.TemplateList, t.AgentTemplateListDict),
    (steering.ComparisonView, t.ComparisonDict),
    (hosts.WorktreeList, t.WorktreeListDict),
    (hosts.CleanupView, t.CleanupDict),
    (hosts.WorkerList, t.WorkerListDict),
    (hosts.PortList, t.PortListDict),
    (SettingList, t.SettingListDict),
    (notifications.NotificationsView, t.NotificationsDict),
    (notifications.DeliveryList, t.DeliveryListDict),
    (TriggerPage, t.TriggerPageDict),
    (ScheduleList, t.ScheduleListDict),
    (orchestrator.PostedView, t.PostedDict),
    (orchestrator.HistoryView, t.HistoryDict),
    (orchestrator.ClearedView, t.ClearedDict),
    (orchestrator.OrchestratorView, t.OrchestratorDict),
    (orchestrator.InterruptedView, t.InterruptedDict),
    (orchestrator.ResetView, t.ResetDict),
    (orchestrator.ToolList, t.ToolListDict),
    (orchestrator.ToolAnswerView, t.ToolAnswerDict),
    (access.TokenList, t.TokenListDict),
    (access.NewTokenView, t.NewTokenDict),
    (access.LinkView, t.LinkDict),
    (access.SessionView, t.SessionDict),
    (access.AuditPage, t.AuditPageDict),
]


NOT_CALLED = ("/webhooks/", "/login/", "/approve/", "/api/logout", "/api/events/stream", "/mcp")


@pytest.mark.parametrize(("view", "answer"), SAME)
def test_the_clients_types_are_what_the_server_sends(view, answer):
    assert _names_of_view(view) == _names_of_answer(answer)


def test_both_clients_have_the_same_methods():
    def face(kind) -> dict[str, str]:
        members = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: str(inspect.signature(member)).partition(" -> ")[0]
            for name, member in members
            if not name.startswith("_") and name != "wait"
        }

    assert face(AdwClient) == face(AsyncAdwClient)


async def test_every_route_is_called_by_the_client(live: Live, client: AsyncAdwClient):
    """Speaks to all of them; each answer's meaning is tested beside its route."""
    called = _recorded(client)
    stage, path = live.stage, str(live.stage.repository)
    await client.health()
    assert (await client.ready())["status"] == "degraded"
    project = (await client.add_project(path))["project"]["id"]
    await client.projects()
    await client.project(path)
    issue = await client.create_issue(path, title="Fix the date", labels=["bug"], key="k")
    await client.issues(project, state="all")
    await client.comment_issue(project, issue["number"], body="b")
    assert (await client.issue("repository", issue["number"]))["comments"][0]["author"] == "pat"
    accepted = await client.create_workflow(
        project=path,
        workflow_type="plan-build-test",
        issue_number=issue["number"],
        budget_usd=1.5,
        options={"skipE2e": True},
        key="k",
    )
    adw_id = accepted["adwId"]
    await client.list_workflows(status=["queued"], project=path, text="date", limit=1)
    assert (await client.get_workflow(adw_id[:6]))["options"]["skipE2e"] is True
    for read in (client.phases, client.outputs, client.evidence, client.usage, client.artifacts, client.events):
        await read(adw_id)
    assert await client.diff(adw_id) == ""
    assert (await client.diff_stat(adw_id))["files"] == []
    assert (await client.transcript(adw_id, role="planner"))["conversations"] == []
    assert "No conversation was held" in await client.transcript_markdown(adw_id, phase="plan")
    assert (await client.cost("day", since="2026-05-01", limit=5))["rows"] == []
    assert (await client.kpi(project=project, kind="sdlc", since="2026-05-01"))["total"]["workflows"] == 0
    async with stage.database.begin() as connection:
        await save_artifact(connection, adw_id=adw_id, name="a b/ü", media_type="x/y", content=b"\x00")
    assert await client.artifact(adw_id, "a b/ü") == b"\x00"
    pull = await stage.pull(await stage.row(adw_id), draft=True)
    await client.pulls(project)
    await client.pull(project, pull.number)
    assert "+today" in await client.pull_diff(project, pull.number)
    await client.comment_pull(project, pull.number, body="b")
    await client.review_pull(project, pull.number, state="approved")
    await client.ready_pull(project, pull.number)
    merged = await client.merge_pull(project, pull.number, expected_head_sha=pull.head_sha)
    assert merged["adwId"] == adw_id
    await client.pause(adw_id)
    await client.resume(adw_id)
    await client.cancel(adw_id)
    await client.delete_workflow(adw_id)
    await _order(live, client)
    await _machine(client)
    await _decide(live, client)
    await _steer(live, client)
    pull = await stage.pull(await stage.work("Another"), files={"o": "o"})
    await client.close_pull(project, pull.number)
    await client.close_issue(project, issue["number"])
    await _schedule(client, path, project)

    assert [event async for event in client.stream_events(adw_id)]
    missing = {(method, path) for method, path in _routes() if not any(_is(route, path) for route in called[method])}
    assert missing == set()


async def test_the_sync_client_gets_the_same_answers(live: Live, client: AsyncAdwClient, sync_client: AdwClient):
    adw_id = (await live.stage.work()).adw_id
    assert await asyncio.to_thread(sync_client.get_workflow, adw_id) == await client.get_workflow(adw_id)
    await client.cancel(adw_id)
    streamed = await asyncio.to_thread(lambda: list(sync_client.stream_events(adw_id)))
    assert streamed == (await client.events(adw_id))["events"]


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_id_that_would_change_the_address_is_refused(name: str):
    for make in (calls.workflows.get_workflow, calls.projects.project):
        with pytest.raises(UsageError):
            make(name)


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "%2e%2e", "a b", "ü"])
async def test_odd_ids_reach_the_server_as_they_are(live: Live, client: AsyncAdwClient, name: str):
    from adw.kit.errors import NotFoundError

    with pytest.raises(NotFoundError):
        await client.pull(name, 1)


def test_importing_the_client_loads_no_http_library():
    code = (
        "import sys, adw.client; print([m for m in ('httpx', 'pydantic', 'asyncio', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def _machine(client: AsyncAdwClient) -> None:
    await client.worktrees()
    await client.clean_worktrees(dry_run=True)
    await client.workers()
    assert (await client.ports())["ports"] == []
    assert (await client.settings())["settings"] == []
    assert "adw_workflows{" in await client.metrics()
    await client.set_budget("month", 5)
    assert [each["budgetUsd"] for each in (await client.budgets())["budgets"]] == [5.0]
    assert (await client.clear_budget("month"))["budgets"] == []
    assert (await client.triggers(outcome=["refused"], limit=5))["triggers"] == []
    await _admit(client)
    await _talk(client)
    await command(client)


async def _talk(client: AsyncAdwClient) -> None:
    posted = await client.chat("hello", interrupt=True, key="k")
    assert (await client.chat_history(after=0))["entries"][0]["turnId"] == posted["messageId"]
    assert (await client.configure_chat({"budgetUsd": 2}))["budgetUsd"] == (await client.chat_metrics())["budgetUsd"]
    assert (await client.interrupt_chat())["turnId"] is None
    await client.reset_chat()
    assert (await client.clear_chat_history())["deleted"] == 1
    assert {"pause", "list_projects"} <= {tool["name"] for tool in (await client.tools())["tools"]}
    assert not (await client.look("list_projects", {}))["isError"]
    assert (await client.use_tool("pause", {}))["isError"]


async def _schedule(client: AsyncAdwClient, path: str, project: str) -> None:
    made = await client.add_schedule(path, cron="0 3 * * 1", prompt="Tidy up", workflow_type="patch")
    assert (await client.schedules(project=project))["schedules"] == [made]
    assert await client.remove_schedule(made["id"]) == made


async def _notify(live: Live, client: AsyncAdwClient) -> None:
    channel = await client.add_channel(
        "ops", kind="webhook", fields={"url": "https://example.com/hook", "secretEnv": "ADW_NOTIFY_OPS"}
    )
    rule = await client.add_rule("ops", ["ends"], fields={"quietFrom": "22:00", "quietUntil": "07:00"})
    found = await client.notifications()
    assert (found["channels"], found["rules"]) == ([channel], [rule])
    assert not (await client.switch_rule(rule["id"], on=False))["enabled"]
    assert (await client.switch_rule(rule["id"], on=True))["enabled"]
    sent = await client.test_channel("ops")
    async with live.stage.database.begin() as connection:
        await connection.execute(text("UPDATE notification_deliveries SET state = 'failed'"))
    assert [each["id"] for each in (await client.deliveries(state="failed"))["deliveries"]] == [sent["id"]]
    assert (await client.retry_delivery(sent["id"]))["state"] == "waiting"
    assert (await client.remove_rule(rule["id"]))["id"] == rule["id"]
    assert (await client.remove_channel("ops"))["id"] == channel["id"]


async def _admit(client: AsyncAdwClient) -> None:
    made = await client.create_token("ci", scope="read", expires_at="2030-01-01T00:00:00Z")
    assert (await client.tokens())["tokens"] == [made["token"]]
    assert (await client.revoke_token("ci"))["revokedAt"] is not None
    assert "/login/" in (await client.login_link())["url"]
    assert (await client.session())["name"] == "server"
    assert (await client.audit(who="server", limit=1))["entries"][0]["route"] == "/api/login"


async def _order(live: Live, client: AsyncAdwClient) -> None:
    stage, path = live.stage, str(live.stage.repository)
    await client.preview_workflow(project=path, workflow_type="sdlc", prompt="Look only")
    for handed_in in (
        client.patch_workflow(project=path, prompt="Patch it"),
        client.quick_workflow("plan-build", project=path, prompt="Be quick"),
    ):
        await client.cancel((await handed_in)["adwId"])
    done = (await stage.work("Done")).adw_id
    for phase in sorted(ON_EARLIER_WORK):
        await stage.activate(done)
        await stage.move(done, Status.COMPLETED, EventType.WORKFLOW_COMPLETED)
        assert (await client.run_phase(done, phase, options={"skipE2e": True}))["adwId"] == done


async def _decide(live: Live, client: AsyncAdwClient) -> None:
    stage = live.stage
    for verb in (client.allow, client.deny):
        adw_id = (await stage.work(str(verb))).adw_id
        await stage.activate(adw_id)
        asked = await stage.ask(adw_id)
        await stage.move(adw_id, Status.WAITING, EventType.WORKFLOW_WAITING, wait_reason="approval")
        assert (await client.approvals(adw_id=adw_id, pending=True))["approvals"][0]["id"] == str(asked.id)
        decided = await verb(str(asked.id), reason="because")
        assert decided["approval"]["decidedBy"] == "pat"
    assert decided["workflow"]["status"] == "failed"
    assert (await client.retry(adw_id))["workflow"]["status"] == "queued"
    await _notify(live, client)


def _recorded(client: AsyncAdwClient) -> dict[str, list[str]]:
    """Fills with what the client asks for, by method."""
    called: dict[str, list[str]] = {"GET": [], "POST": [], "PUT": [], "DELETE": []}

    async def note(request) -> None:
        called[request.method].append(request.url.raw_path.decode().partition("?")[0])

    client._http().event_hooks["request"].append(note)
    return called


def _routes() -> list[tuple[str, str]]:
    """All but those of forges, whose bodies are signed by who sends them, and those for browsers and other agents."""
    found = [
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        for method in getattr(route, "methods", ())
    ]
    return [(method, path) for method, path in found if not path.startswith(NOT_CALLED)]


def _is(path: str, template: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    if wanted[-1] == "{name:path}":
        return parts[: len(wanted) - 1][:-1] == wanted[:-1][:-1] or "artifacts" in parts
    same = len(parts) == len(wanted)
    return same and all(want.startswith("{") or want == part for part, want in zip(parts, wanted, strict=True))


def _names_of_view(view) -> dict[str, typing.Any]:
    fields = view.model_fields.values()
    return {field.serialization_alias or field.alias: _nested_view(field.annotation) for field in fields}


def _nested_view(annotation):
    for part in (annotation, *_parts(annotation)):
        if hasattr(part, "model_fields"):
            return _names_of_view(part)
    return None


def _names_of_answer(answer) -> dict[str, typing.Any]:
    return {name: _nested_answer(kind) for name, kind in typing.get_type_hints(answer).items()}


def _nested_answer(kind):
    for part in (kind, *_parts(kind)):
        if typing.is_typeddict(part):
            return _names_of_answer(part)
    return None


def _parts(kind):
    for part in typing.get_args(kind):
        yield part
        yield from _parts(part)


async def _steer(live: Live, client: AsyncAdwClient) -> None:
    stage = live.stage
    workflow = await stage.work("Steer it")
    adw_id = workflow.adw_id
    await stage.pull(workflow)
    async with stage.database.begin() as connection:
        await start_phase(connection, adw_id=adw_id, phase="plan", attempt=1, commit_before=None)
    await stage.change(adw_id, branch_name=f"work-{adw_id}", head_sha=stage.base_sha)
    await stage.activate(adw_id)
    assert (await client.send_message(adw_id, "Be brief"))["author"] == "pat"
    assert len((await client.messages(adw_id))["messages"]) == 1
    assert (await client.execute(adw_id, prompt="Be quick"))["adwId"] == adw_id
    assert (await client.agents())["agents"] == []
    assert (await client.takeover(adw_id))["path"].endswith(adw_id)
    await client.handback(adw_id, message="Mend it")
    fork = await client.fork(adw_id, from_phase="plan", workflow_type="plan", key="f")
    assert (await client.compare(adw_id, fork["adwId"]))["files"] == []
    await stage.move(adw_id, Status.FAILED, EventType.WORKFLOW_FAILED)
    assert (await client.retry(adw_id))["workflow"]["status"] == "queued"
