"""The scripted model against the real SDK and its bundled CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage, SystemMessage

import adw
from adw.agents.scripted_model import load_scenario, serve_scripted_model

SAMPLE = Path(adw.__file__).parent / "demo" / "sample"
VENV_BIN = Path(sys.executable).parent
BARE_PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def answer_with(*keys: str) -> dict:
    properties = {key: {"type": "string"} for key in keys}
    return {"type": "json_schema", "schema": {"type": "object", "properties": properties, "required": list(keys)}}


@pytest.fixture
def converse(tmp_path) -> Callable:
    """One prompt to a fresh CLI in a folder; returns its result and how often it retried."""

    async def run(url: str, *, cwd: Path, role: str, phase: str, **options) -> tuple[ResultMessage, int]:
        tools = ["Read", "Edit", "Write", "Bash"]
        settings = ClaudeAgentOptions(
            cwd=cwd,
            tools=tools,
            allowed_tools=tools,
            setting_sources=[],
            permission_mode="acceptEdits",
            verbatim_prompts=True,
            system_prompt=f"You work on code.\nADW role: {role}\nADW phase: {phase}\n",
            env={
                "ANTHROPIC_BASE_URL": url,
                "ANTHROPIC_API_KEY": "sk-ant-test",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
                "CLAUDE_CODE_MAX_RETRIES": "1",
                "CLAUDE_CONFIG_DIR": str(tmp_path / "config"),
                "HOME": str(tmp_path),
                **BARE_PYTEST,
                "PATH": f"{VENV_BIN}:{os.environ['PATH']}",
            },
            **{"model": "claude-sonnet-5-5"} | options,
        )
        retries = 0
        async with ClaudeSDKClient(settings) as client:
            await client.query("Plan file: `specs/issue-1.md`\nGo.")
            async with aclosing(client.receive_response()) as answers:
                async for message in answers:
                    retries += isinstance(message, SystemMessage) and message.subtype == "api_retry"
                    if isinstance(message, ResultMessage):
                        return message, retries
        raise AssertionError("the conversation had no result")

    return run


def failures_in(project: Path) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q"]
    ran = subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, env=os.environ | BARE_PYTEST
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    return [line.split()[1].partition("::")[2] for line in ran.stdout.splitlines() if line.startswith("FAILED")]


async def test_the_demo_goes_from_a_plan_over_a_broken_test_to_a_repaired_change(converse, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(SAMPLE, project)
    assert failures_in(project) == []
    async with serve_scripted_model(load_scenario("demo")) as server:
        planned, _ = await converse(server.url, cwd=project, role="planner", phase="plan")
        form = answer_with("summary", "commit_message", "pull_request_title", "pull_request_body")
        built, _ = await converse(server.url, cwd=project, role="implementor", phase="build", output_format=form)
        after_build = failures_in(project)
        form = answer_with("summary", "commit_message")
        resolved, _ = await converse(server.url, cwd=project, role="resolver", phase="test", output_format=form)
    assert (project / "specs" / "issue-1.md").read_text().startswith("# Plan: count refunds")
    assert after_build == ["test_a_note_does_not_change_the_balance"]
    assert failures_in(project) == []
    assert "test_a_refund_lowers_what_is_owed" in (project / "tests" / "test_statement.py").read_text()
    assert [planned.is_error, built.is_error, resolved.is_error] == [False] * 3
    assert built.structured_output["commit_message"] == "Count refunds in the balance"
    assert resolved.structured_output["commit_message"] == "Leave notes out of the balance"
    assert server.journal.rules() == ["plan"] * 4 + ["implement"] * 6 + ["resolve"] * 5
    assert {entry.role for entry in server.journal.entries} == {"planner", "implementor", "resolver"}


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "scripted-base"])
async def test_the_working_directory_is_known_whatever_the_model(converse, scenario, tmp_path, model):
    rules = scenario({"reply": {"blocks": [{"text": "here: ${cwd}"}]}})
    async with serve_scripted_model(rules) as server:
        result, _ = await converse(server.url, cwd=tmp_path, role="planner", phase="plan", model=model)
    assert result.result == f"here: {tmp_path}"


async def test_an_overloaded_model_is_asked_again(converse, scenario, tmp_path):
    rules = scenario({"when": {"seen": 0}, "reply": {"fault": 529}}, {"reply": {"blocks": [{"text": "Now."}]}})
    async with serve_scripted_model(rules) as server:
        result, retries = await converse(server.url, cwd=tmp_path, role="planner", phase="plan")
    assert (result.result, result.is_error, retries) == ("Now.", False, 1)
    assert [(entry.status, entry.seen) for entry in server.journal.entries] == [(529, 0), (200, 1)]


async def test_a_stream_that_always_breaks_is_replaced_by_a_whole_answer(converse, scenario, tmp_path):
    said = {"blocks": [{"text": "It arrived."}]}
    rules = scenario({"when": {"stream": True}, "reply": said | {"fault": "drop"}}, {"reply": said})
    async with serve_scripted_model(rules) as server:
        result, _ = await converse(server.url, cwd=tmp_path, role="planner", phase="plan")
    assert (result.result, result.is_error) == ("It arrived.", False)
    assert [entry.stream for entry in server.journal.entries] == [True, True, False]


async def test_a_text_where_a_structure_is_due_does_not_loop(converse, scenario, tmp_path):
    rules = scenario({"when": {"step": 0}, "reply": {"blocks": [{"text": "Forgot it."}]}})
    async with serve_scripted_model(rules) as server:
        result, _ = await converse(
            server.url, cwd=tmp_path, role="planner", phase="plan", output_format=answer_with("summary")
        )
    assert result.structured_output is None
    assert [(entry.rule, entry.step, entry.turn) for entry in server.journal.entries] == [
        ("rule 0", 0, 1),
        ("(default)", 1, 1),
    ]
