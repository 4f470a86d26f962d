"""Which runtime gets a task, and which is asked about a session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adw.agents.plain.transcript import SESSION_PREFIX
from adw.agents.scripted import ScriptedRuntime, answers
from adw.domain.agent import AgentLimits, AgentTask, Role, RuntimeName, ToolPolicy
from adw.wiring.runtimes import ChosenRuntime

TASK = AgentTask(
    run_id="r",
    adw_id="0a1b2c3d",
    role=Role.PLANNER,
    phase="plan",
    attempt=1,
    model="m",
    prompt="Go.",
    system="",
    cwd=Path("/nowhere"),
    policy=ToolPolicy(tools=(), allowed=()),
    limits=AgentLimits(),
    gateway_url="http://127.0.0.1:9",
    run_token="t",
)
OURS, THEIRS = f"{SESSION_PREFIX}1", "7f3e1c52-6c39-4a0e-9d55-0e6f0b1f2a3b"
CLAUDE, PLAIN = RuntimeName.CLAUDE, RuntimeName.PLAIN

# what the settings say, what the project says, the session to resume, and who gets the task
CHOICES = [
    (CLAUDE, None, None, CLAUDE),
    (PLAIN, None, None, PLAIN),
    (CLAUDE, PLAIN, None, PLAIN),
    (PLAIN, CLAUDE, None, CLAUDE),
    (PLAIN, PLAIN, THEIRS, CLAUDE),
    (CLAUDE, CLAUDE, OURS, PLAIN),
]


@pytest.mark.parametrize(("usual", "said", "session", "chosen"), CHOICES)
async def test_a_task_goes_where_it_began_or_else_where_the_project_wants_it(usual, said, session, chosen):
    runtimes = {name: ScriptedRuntime(answers()) for name in RuntimeName}
    runtime = ChosenRuntime(runtimes, usual=usual)
    async for _ in runtime.run(replace(TASK, runtime=said, resume_session=session)):
        pass
    assert [name for name, each in runtimes.items() if each.tasks] == [chosen]
    assert runtime.name == usual


@pytest.mark.parametrize(("session", "holder"), [(OURS, PLAIN), (THEIRS, CLAUDE)])
async def test_only_the_runtime_a_session_began_in_is_asked_about_it(session: str, holder: RuntimeName):
    runtimes = {name: ScriptedRuntime(answers()) for name in RuntimeName}
    async for _ in runtimes[holder].run(replace(TASK, resume_session=session)):
        pass
    runtime = ChosenRuntime(runtimes, usual=CLAUDE)
    assert await runtime.can_resume(adw_id=TASK.adw_id, session_id=session)
    runtimes[holder].forget()
    assert not await runtime.can_resume(adw_id=TASK.adw_id, session_id=session)
