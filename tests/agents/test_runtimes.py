"""What every runtime of agents does, whatever it is made of."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest

from adw.agents.prompts import AgentPrompts
from adw.domain.agent import AgentLimits, AgentMessage, Role, ToolPolicy
from adw.ports.prompts import IssueText

SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
FAULTS = [
    ({"fault": 401}, ("configuration", False, 401)),
    ({"fault": 403}, ("agent_error", False, 403)),
    ({"fault": 429}, ("transient", True, 429)),
    ({"fault": 429, "retry_after_s": 3600}, ("usage_limit", False, 429)),
    ({"fault": 529}, ("transient", True, 529)),
]


@pytest.fixture(params=["claude", "plain"])
def runtime_name(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_an_agent_writes_a_file_runs_a_command_and_answers(stage_for, script, workspace: Path):
    rule = {
        "when": {"role": "implementor", "phase": "build"},
        "steps": [
            script.tool("Write", file_path=str(workspace / "greet.py"), content="print('hello')\n"),
            script.bash("python3 greet.py"),
            script.text("It greets."),
        ],
    }
    async with stage_for(rule) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "It greets."
    assert (workspace / "greet.py").read_text() == "print('hello')\n"
    assert (heard.messages[0].kind, heard.messages[0].session_id) == ("started", heard.final.session_id)
    assert [message.tool_name for message in heard.messages if message.kind == "tool_use"] == ["Write", "Bash"]
    assert "hello" in heard.texts("tool_result")[1]
    assert "".join(heard.texts("delta")) == "It greets."
    assert heard.final.usage.requests == 3
    assert heard.final.usage.tokens.input == stage.server.journal.totals.input_tokens
    assert heard.final.usage.tokens.output == stage.server.journal.totals.output_tokens
    assert list(stage.runtime_dir.iterdir()) == []


async def test_a_structured_answer_is_validated_and_returned(stage_for, script, workspace: Path):
    steps = [script.structured(wrong=1), script.structured(summary="Done well")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.failure is None
    assert heard.final.structured == {"summary": "Done well"}


async def test_an_agent_without_tools_answers_our_own_prompt(stage_for, script, workspace: Path):
    issue = IssueText(number=12, title="Totals are wrong", body="An empty cart costs 5.")
    prompt = AgentPrompts().classify(issue=issue)
    answer = {"issue_class": "bug", "slug": "fix-empty-cart-total", "title": "Charge nothing for an empty cart"}
    right = {"when": {"role": "classifier", "prompt": "An empty cart"}, "reply": script.structured(**answer)}
    async with stage_for(right) as stage:
        heard = await stage.run(
            workspace,
            role=Role.CLASSIFIER,
            phase="plan",
            policy=ToolPolicy(tools=(), allowed=()),
            system=prompt.system,
            prompt=prompt.text,
            schema=prompt.schema,
        )
    assert heard.final.failure is None
    assert heard.final.structured == answer
    assert heard.final.usage.requests == 1


async def test_an_agent_that_never_gives_the_structured_answer_has_failed(stage_for, script, workspace: Path):
    async with stage_for({"reply": script.text("Here it is in words.")}) as stage:
        heard = await stage.run(workspace, schema=SCHEMA)
    assert heard.final.structured is None
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "agent_error"
    assert "structured answer" in heard.final.failure.message


async def test_a_file_mention_in_the_prompt_stays_text(stage_for, script, workspace: Path, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the-content-of-the-secret")
    leaked = {"when": {"any_text": "the-content-of-the-secret"}, "reply": script.text("LEAKED")}
    asked = {"when": {"prompt": "read @/"}, "reply": script.text("nothing leaked")}
    async with stage_for(leaked, asked) as stage:
        heard = await stage.run(workspace, prompt=f"/cost read @{secret} and @/etc/hostname")
    assert heard.final.text == "nothing leaked"


@pytest.mark.parametrize(("reply", "expected"), FAULTS)
async def test_a_lasting_fault_of_the_api_becomes_a_typed_failure(stage_for, workspace: Path, reply, expected):
    async with stage_for({"reply": reply}) as stage:
        heard = await stage.run(workspace)
    failure = heard.final.failure
    assert failure is not None
    assert (failure.failure_class, failure.retryable, failure.api_status) == expected


async def test_a_passing_fault_is_retried_and_reported(stage_for, script, workspace: Path):
    rules = [
        {"when": {"seen": 0}, "reply": script.fault(529)},
        {"reply": script.text("Better now.")},
    ]
    async with stage_for(*rules, max_retries=2) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "Better now."
    assert len(heard.texts("retry")) == 1
    assert "HTTP 529" in heard.texts("retry")[0]


async def test_a_stream_that_breaks_off_is_asked_again(stage_for, script, workspace: Path):
    rules = [
        {"when": {"seen": 0, "stream": True}, "reply": script.text("Half of") | script.fault("drop")},
        {"reply": script.text("The whole answer.")},
    ]
    async with stage_for(*rules, max_retries=2) as stage:
        heard = await stage.run(workspace)
    assert heard.final.failure is None
    assert heard.final.text == "The whole answer."


async def test_nobody_listening_at_the_gateway_is_transient(stage_for, workspace: Path):
    async with stage_for() as stage:
        heard = await stage.run(workspace, gateway_url="http://127.0.0.1:9")
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "transient"


async def test_a_silent_agent_is_stopped(stage_for, script, workspace: Path):
    limits = AgentLimits(idle_timeout_s=1.5, timeout_s=20)
    async with stage_for({"reply": script.text("x") | script.fault("stall")}) as stage:
        heard = await stage.run(workspace, limits=limits)
        assert _running(stage.runtime_dir) == []
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "agent_error"
    assert heard.final.failure.message == "Nothing was heard from the agent for 1.5 s"


async def test_an_agent_that_takes_too_long_is_stopped(stage_for, script, workspace: Path):
    limits = AgentLimits(idle_timeout_s=20, timeout_s=2)
    async with stage_for({"steps": [script.bash("tail -f /dev/null"), script.text("x")]}) as stage:
        heard = await stage.run(workspace, limits=limits)
        assert _running(workspace) == []
    assert heard.final.failure is not None
    assert heard.final.failure.message == "The agent did not finish within 2 s"


async def test_an_agent_that_uses_up_its_turns_has_failed(stage_for, script, workspace: Path):
    limits = AgentLimits(max_turns=2, timeout_s=20, idle_timeout_s=20)
    async with stage_for({"reply": script.bash("true")}) as stage:
        heard = await stage.run(workspace, limits=limits)
    assert heard.final.failure is not None
    assert heard.final.failure.message == "The agent used all of its 2 turns without finishing"


@pytest.mark.parametrize("way", ["aclose", "cancel"])
async def test_leaving_early_ends_the_agent_and_all_it_started(stage_for, script, workspace: Path, way: str):
    command = "tail -f /dev/null & echo up > up; tail -f /dev/null"
    async with stage_for({"reply": script.bash(command)}) as stage:
        left_at = await (_close_once_up(stage, workspace) if way == "aclose" else _cancel_once_up(stage, workspace))
        assert time.monotonic() - left_at < 2
        assert _running(workspace) == []
        assert list(stage.runtime_dir.iterdir()) == []


async def test_a_daemon_does_not_outlive_a_good_end(stage_for, script, workspace: Path):
    steps = [script.bash("tail -f /dev/null > out 2>&1 & echo started"), script.text("Started.")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace)
        assert _running(workspace) == []
    assert heard.final.failure is None


async def test_ending_an_agent_cannot_be_cut_short(stage_for, script, workspace: Path):
    command = "tail -f /dev/null & echo up > up; tail -f /dev/null"
    async with stage_for({"reply": script.bash(command)}) as stage:
        listening = asyncio.create_task(stage.run(workspace))
        await _until_up(workspace)
        while not listening.done():
            listening.cancel()
            await asyncio.sleep(0)
        assert _running(workspace) == []
        assert list(stage.runtime_dir.iterdir()) == []


async def test_a_finished_conversation_can_be_continued_twice(stage_for, script, workspace: Path):
    rules = [
        {"when": {"prompt": "third", "any_text": "the second question"}, "reply": script.text("three")},
        {"when": {"prompt": "second", "any_text": "the first question"}, "reply": script.text("two")},
        {"when": {"prompt": "first"}, "reply": script.text("one")},
    ]
    async with stage_for(*rules) as stage:
        first = await stage.run(workspace, prompt="the first question")
        session = first.final.session_id
        second = await stage.run(workspace, prompt="the second question", resume_session=session)
        third = await stage.run(workspace, prompt="the third question", resume_session=session)
        told = stage.server.journal.totals
    assert [heard.final.text for heard in (first, second, third)] == ["one", "two", "three"]
    used = first.final.usage + second.final.usage + third.final.usage
    assert (used.tokens.input, used.tokens.output) == (told.input_tokens, told.output_tokens)


async def test_a_conversation_of_which_nothing_is_kept_is_a_failure_without_a_process(stage_for, workspace: Path):
    session_id = "7f3e1c52-6c39-4a0e-9d55-0e6f0b1f2a3b"
    async with stage_for() as stage:
        assert not await stage.runtime.can_resume(adw_id="0a1b2c3d", session_id=session_id)
        heard = await stage.run(workspace, resume_session=session_id)
        assert stage.server.journal.totals.requests == 0
    assert heard.final.stop_reason == "session_lost"
    assert heard.final.failure is not None
    assert heard.final.failure.failure_class == "agent_error"


async def test_the_agent_cannot_commit_or_push(stage_for, script, workspace: Path):
    steps = [script.bash("git commit -m x"), script.bash("git push origin main"), script.text("Refused.")]
    async with stage_for({"steps": steps}) as stage:
        heard = await stage.run(workspace)
    results = [message for message in heard.messages if message.kind == "tool_result"]
    assert [(result.is_error, "denied" in result.text) for result in results] == [(True, True), (True, True)]


async def _close_once_up(stage, workspace: Path) -> float:
    async with aclosing(stage.runtime.run(stage.task(workspace))) as messages:
        async for message in messages:
            if isinstance(message, AgentMessage) and message.kind == "tool_use":
                await _until_up(workspace)
                return time.monotonic()
    raise AssertionError("the tool was never used")


async def _cancel_once_up(stage, workspace: Path) -> float:
    listening = asyncio.create_task(stage.run(workspace))
    await _until_up(workspace)
    left_at = time.monotonic()
    listening.cancel()
    await asyncio.wait({listening})
    assert listening.cancelled()
    return left_at


async def _until_up(workspace: Path) -> None:
    async with asyncio.timeout(20):
        while not (workspace / "up").exists():  # noqa: ASYNC110 - a file is all another process can tell us
            await asyncio.sleep(0.02)


def _running(folder: Path) -> list[str]:
    """Commands of live processes that work in a folder or were started from it."""
    found: list[str] = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            where = process.cwd()
        except psutil.Error:
            continue
        if str(folder) in where or any(str(folder) in word for word in words):
            found.append(" ".join(words)[:200])
    return found
