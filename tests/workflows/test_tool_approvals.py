"""An agent waits at a call until a person has allowed it, changed it or refused it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from tests.agents.conftest import Rows, Script, make_task

from adw.agents.plain.request import PlainSettings
from adw.agents.plain.runtime import PlainRuntime
from adw.agents.scripted import answers
from adw.agents.scripted_model import Scenario, serve_scripted_model
from adw.domain.agent import AgentResult, Role, ToolCall, Verdict
from adw.domain.approval import ApprovalKind, Decision
from adw.domain.config import AgentsTable, ProjectConfig, StuckTable
from adw.domain.events import EventType
from adw.domain.failure import Failure, FailureClass
from adw.domain.status import Status
from adw.kit.process.launcher import SupervisedLauncher
from adw.kit.process.lifeline import Lifeline
from adw.store import approvals
from adw.store.workflows import require_workflow
from adw.workflows.conversation import converse
from adw.workflows.lifecycle import fail_phase, fail_workflow, start_phase
from adw.workflows.tool_approvals import tool_gate

CALL = ToolCall(tool="Bash", given={"command": "deploy now", "description": "Deploys"})
EDITED = {"command": "deploy later"}
FINAL = "Go on without it, not by another way to the same end; say in your answer what is left undone because of it."


@pytest.fixture
def careful(play):
    """A phase in which people must allow some calls."""

    def make(*rules, **stuck):
        agents = AgentsTable(ask_before=rules or ("Bash(deploy *)", "Write(migrations/*)"))
        return replace(
            play.ctx(), run=replace(play.run, config=ProjectConfig(agents=agents, stuck=StuckTable(**stuck)))
        )

    return make


def gate_of(ctx, play):
    gate = tool_gate(ctx, Role.IMPLEMENTOR, run_id="r1", cwd=play.workspace.path, look_s=0.01)
    assert gate is not None
    return gate


async def asked(play, *, pending=True):
    async with play.database.read() as connection:
        return await approvals.list_approvals(connection, adw_id=play.workflow.adw_id, pending_only=pending)


async def decide(play, approval, decision, **how):
    async with play.database.begin() as connection:
        await approvals.decide(
            connection, approval_id=approval.id, decision=decision, decided_by="Ada", **{"reason": None} | how
        )


@asynccontextmanager
async def plain_agent(tmp_path, *steps):
    """The plain runtime with a model that makes these calls."""
    scenario = Scenario.model_validate({"rules": [{"name": "all", "steps": [*steps, Script.text("So.")]}]})
    (tmp_path / "runs").mkdir()
    async with serve_scripted_model(scenario) as server, await Lifeline.open(tmp_path / "life") as lifeline:
        launcher = SupervisedLauncher(lifeline=lifeline, runtime_dir=tmp_path / "life")
        runtime = PlainRuntime(
            launcher=launcher, rows=Rows(), runtime_dir=tmp_path / "runs", settings=PlainSettings(max_retries=0)
        )

        async def hold(**changes):
            heard = [item async for item in runtime.run(make_task(gateway_url=server.url, **changes))]
            result = heard.pop()
            assert isinstance(result, AgentResult)
            assert result.failure is None
            assert any(message.kind == "waiting" for message in heard), "its listeners hear that it waits"
            return [(message.text, message.is_error) for message in heard if message.kind == "tool_result"]

        yield hold


async def test_an_agent_waits_is_let_through_is_changed_and_is_refused(play, careful, tmp_path, eventually):
    ctx = careful("Bash(echo *)", "Write(migrations/*)")
    steps = [
        Script.bash("echo one"),
        Script.bash("echo two"),
        Script.tool("Write", file_path="x/../migrations/1.sql", content="drop"),
        Script.bash("git push"),
    ]
    async with plain_agent(tmp_path, *steps) as hold:
        holding = asyncio.create_task(hold(cwd=tmp_path, gate=gate_of(ctx, play)))
        (first,) = await eventually(lambda: asked(play))
        assert (first.kind, first.question) == (ApprovalKind.TOOL, "May the implementor use Bash: echo one")
        assert first.data["input"]["command"] == "echo one"
        async with play.database.read() as connection:
            assert (await require_workflow(connection, play.workflow.adw_id)).status is Status.ACTIVE
        await decide(play, first, Decision.ALLOWED)
        (second,) = await eventually(lambda: asked(play))
        await decide(play, second, Decision.ALLOWED, edited_input={"command": "echo three"})
        (third,) = await eventually(lambda: asked(play))
        await decide(play, third, Decision.DENIED, reason="not today")
        results = await holding
    assert results[0] == ("one\n", False)
    note = 'Ada allowed this call with another input: {"command": "echo three"}'
    assert results[1] == (f"({note})\nthree\n", False)
    assert results[2] == (f"Ada does not allow this call: not today. {FINAL}", True)
    assert results[3][0].startswith("Permission denied"), "what is forbidden is not asked about"
    assert not (tmp_path / "migrations").exists()
    assert len(await asked(play, pending=False)) == 3
    (event, *_) = await play.events(EventType.APPROVAL_REQUESTED)
    assert (event.data["tool"], event.data["input"]["command"]) == ("Bash", "echo one")


async def test_a_person_lifts_no_rule_by_changing_a_call(play, careful, tmp_path, eventually):
    async with plain_agent(tmp_path, Script.bash("deploy")) as hold:
        holding = asyncio.create_task(hold(cwd=tmp_path, gate=gate_of(careful(), play)))
        (question,) = await eventually(lambda: asked(play))
        await decide(play, question, Decision.ALLOWED, edited_input={"command": "git push --force"})
        ((words, is_error),) = await holding
    assert is_error
    assert "So changed it cannot be made: Permission denied" in words


async def test_after_a_death_the_answer_is_found_and_counts_once(play, careful, eventually):
    gate = gate_of(careful(), play)
    asking = asyncio.create_task(gate.ask(CALL))
    (question,) = await eventually(lambda: asked(play))
    asking.cancel()
    await decide(play, question, Decision.ALLOWED, edited_input=EDITED)
    again = gate_of(careful(), play)
    verdict = await again.ask(replace(CALL, given={"command": "deploy now", "description": "In other words"}))
    assert verdict.edited == EDITED
    once_more = asyncio.create_task(again.ask(CALL))
    (anew,) = await eventually(lambda: asked(play))
    await decide(play, anew, Decision.ALLOWED)
    assert await once_more == Verdict()
    assert len(await asked(play, pending=False)) == 2


async def test_two_equal_calls_at_once_need_two_answers(play, careful, eventually):
    gate = gate_of(careful(), play)
    both = asyncio.gather(gate.ask(CALL), gate.ask(CALL))
    for decision in (Decision.ALLOWED, Decision.DENIED):
        (question,) = await eventually(lambda: asked(play))
        await decide(play, question, decision)
    assert sorted(verdict.refusal is None for verdict in await both) == [False, True]


async def test_without_an_answer_the_call_is_not_made(play, careful):
    verdict = await gate_of(careful(silence_s=0.02), play).ask(CALL)
    assert verdict.refusal is not None
    assert "nobody has answered" in verdict.refusal
    assert [each.decision for each in await asked(play, pending=False)] == [Decision.EXPIRED]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_question_nobody_waits_for_ends_with_the_phase_and_with_the_workflow(
    play, careful, eventually, whole: bool
):
    ctx = careful()
    await start_phase(ctx)
    asking = asyncio.create_task(gate_of(ctx, play).ask(CALL))
    await eventually(lambda: asked(play))
    asking.cancel()
    failure = Failure(failure_class=FailureClass.AGENT_ERROR, message="no", phase="build")
    await (fail_workflow(play.run, failure, name="failed") if whole else fail_phase(ctx, failure))
    assert await asked(play) == []


async def test_a_worker_that_lost_the_workflow_makes_no_call(play, careful, eventually):
    ctx = careful()
    asking = asyncio.create_task(gate_of(ctx, play).ask(CALL))
    (question,) = await eventually(lambda: asked(play))
    asking.cancel()
    await decide(play, question, Decision.ALLOWED)
    stale = gate_of(replace(ctx, run=replace(ctx.run, epoch=ctx.run.epoch - 1)), play)
    assert (await stale.ask(CALL)).refusal is not None
    assert (await stale.ask(replace(CALL, given={"command": "deploy it"}))).refusal is not None
    assert await asked(play) == []
    assert await gate_of(ctx, play).ask(CALL) == Verdict(), "the answer is still there for the owner"


@pytest.mark.parametrize(
    ("path", "concerned"),
    [("migrations/1.sql", True), ("./migrations/1.sql", True), ("link/1.sql", True), ("a.sql", False), ("a\0", False)],
)
def test_a_path_is_where_it_leads(play, careful, path, concerned):
    (play.workspace.path / "migrations").mkdir()
    (play.workspace.path / "link").symlink_to("migrations")
    gate = gate_of(careful(), play)
    for given in (path, f"{play.workspace.path}/{path}"):
        assert gate.concerns(ToolCall(tool="Write", given={"file_path": given})) is concerned
    assert not gate.concerns(ToolCall(tool="Write", given={"file_path": 7}))


async def test_agents_have_a_gate_only_where_a_project_wants_it(play, careful):
    assert tool_gate(play.ctx(), Role.IMPLEMENTOR, run_id="r", cwd=play.workspace.path) is None
    play.script(answers())
    await converse(careful(), play.editing)
    (task,) = play.runtime.tasks
    assert task.gate is not None
