from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import ClaudeAgentOptions, HookMatcher, InMemorySessionStore

from adw.agents.folder import RunFolder, run_folder
from adw.agents.options import ClaudeSettings, build_options, environment, system_prompt
from adw.domain.agent import AgentLimits, AgentTask, ToolPolicy

SESSION = "5b0a7c2e-0000-4000-8000-000000000001"
FOLDER = RunFolder(root=Path("/runs/one"))
BASE = {"PATH": "/usr/bin", "HOME": "/home/person", "DATABASE_URL": "secret", "ANTHROPIC_API_KEY": "real"}


def options_for(task: AgentTask) -> ClaudeAgentOptions:
    return build_options(
        task,
        session_id=SESSION,
        cli_path=Path("/runs/one/start"),
        folder=FOLDER,
        settings=ClaudeSettings(),
        session_store=InMemorySessionStore(),
        guard=HookMatcher(on_failure="block"),
        on_stderr=lambda _: None,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("permission_mode", "acceptEdits"),
        ("setting_sources", []),
        ("strict_mcp_config", True),
        ("verbatim_prompts", True),
        ("include_partial_messages", True),
        ("max_buffer_size", 64 << 20),
        ("session_store_flush", "eager"),
        ("can_use_tool", None),
        ("max_turns", 20),
        ("session_id", SESSION),
        ("resume", None),
        ("output_format", None),
    ],
)
def test_every_option_that_guards_against_a_trap_is_set(task_for, name: str, value: Any):
    assert getattr(options_for(task_for()), name) == value


def test_a_resumed_conversation_keeps_its_id(task_for):
    options = options_for(task_for(resume_session=SESSION))
    assert (options.session_id, options.resume) == (None, SESSION)


def test_a_schema_becomes_the_output_format(task_for):
    options = options_for(task_for(schema={"type": "object"}))
    assert options.output_format == {"type": "json_schema", "schema": {"type": "object"}}


def test_the_system_prompt_names_role_and_phase_first(task_for):
    prompt = system_prompt(task_for(policy=ToolPolicy(tools=(), allowed=())))
    assert isinstance(prompt, str)
    assert prompt.splitlines()[:2] == ["ADW role: implementor", "ADW phase: build"]


def test_an_agent_with_tools_keeps_the_prompt_that_explains_them(task_for):
    prompt = system_prompt(task_for())
    assert isinstance(prompt, dict)
    assert prompt["preset"] == "claude_code"
    assert "ADW role: implementor" in prompt.get("append", "")


def test_the_environment_holds_nothing_of_ours_but_gateway_and_token(task_for):
    env = environment(task_for(), base=BASE, folder=FOLDER, settings=ClaudeSettings())
    assert "DATABASE_URL" not in env
    assert env["PATH"] == "/usr/bin"
    assert env["HOME"] == "/runs/one/home"
    assert env["ANTHROPIC_API_KEY"] == "run-token-of-a-test"
    assert env["CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"] == "1"
    assert env["CLAUDE_CODE_MAX_RETRIES"] == "4"


@pytest.mark.parametrize("name", ["IS_SANDBOX", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_BUBBLEWRAP"])
def test_a_task_cannot_set_what_is_ours(task_for, name: str):
    env = environment(task_for(env={name: "1", "PORT": "9100"}), base={}, folder=FOLDER, settings=ClaudeSettings())
    assert name not in env
    assert env["PORT"] == "9100"


def test_a_command_ends_before_its_silence_looks_like_a_stall(task_for):
    task = task_for(limits=AgentLimits(idle_timeout_s=100))
    env = environment(task, base={}, folder=FOLDER, settings=ClaudeSettings())
    assert env["BASH_MAX_TIMEOUT_MS"] == env["BASH_DEFAULT_TIMEOUT_MS"] == "90000"


def test_a_proxy_is_not_asked_for_the_gateway(task_for):
    base = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "intern"}
    env = environment(task_for(), base=base, folder=FOLDER, settings=ClaudeSettings())
    assert env["NO_PROXY"] == env["no_proxy"] == "intern,127.0.0.1,localhost"


def test_a_run_folder_is_private_and_gone_afterwards(tmp_path: Path):
    with run_folder(tmp_path / "runs", run_id="0a1b2c3d:build/../1") as folder:
        assert folder.root.parent == (tmp_path / "runs").resolve()
        assert folder.root.stat().st_mode & 0o077 == 0
        assert folder.home.is_dir()
    assert list((tmp_path / "runs").iterdir()) == []
