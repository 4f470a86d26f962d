"""From an `AgentTask` to the CLI's options and environment. Pure; every value here guards against a known trap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from claude_agent_sdk import ClaudeAgentOptions, HookMatcher, SessionStore
from claude_agent_sdk.types import SystemPromptPreset

from adw.agents.folder import RunFolder
from adw.agents.own_tools import name_in_cli, serve_tools
from adw.agents.policy import OUR_GIT_VERBS
from adw.domain.agent import AgentTask
from adw.kit.process.confinement import Confinement
from adw.kit.process.environment import clean_environment

MAX_MESSAGE_BYTES = 64 << 20
"""The SDK's own limit of 1 MB fails a run *after* a large tool call has taken effect."""

SettingSource = Literal["user", "project", "local"]

_LOOPBACK = "127.0.0.1,localhost"
_BASH_LIMIT_S = 540.0
_BASH_SHARE_OF_IDLE = 0.9
_GIT_IS_OURS = tuple(f"Bash(git {verb}:*)" for verb in OUR_GIT_VERBS)

_ALWAYS = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",  # the only switch that silences every outside connection
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # a background shell would outlast the answer
    "CLAUDE_CODE_DISABLE_DEFERRED_TOOL_RESUME": "1",  # a resumed call would run past our hook
    "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",  # commits and pull requests are ours
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",  # the home it would be written to is thrown away
    "DISABLE_AUTOUPDATER": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeSettings:
    """How the CLI behaves for every task of a runtime."""

    max_retries: int = 4
    """Repeats of a failed model request; the CLI's own default keeps trying for three minutes, even on 401."""
    first_byte_timeout_s: float = 120.0
    stream_idle_timeout_s: float = 60.0
    setting_sources: tuple[SettingSource, ...] = ()
    """Which settings files the CLI reads; a target repository's can run hooks, so none by default."""


def build_options(
    task: AgentTask,
    *,
    session_id: str,
    cli_path: Path,
    folder: RunFolder,
    settings: ClaudeSettings,
    session_store: SessionStore,
    guard: HookMatcher,
    on_stderr: Callable[[str], None],
) -> ClaudeAgentOptions:
    """Options for one conversation, new under `session_id` or resumed from it."""
    return ClaudeAgentOptions(
        cli_path=cli_path,
        cwd=task.cwd,
        env={
            "CLAUDE_CONFIG_DIR": str(folder.config)
        },  # the SDK looks for transcripts there; the CLI gets `environment`
        model=task.model,
        system_prompt=system_prompt(task),
        tools=list(task.policy.tools),
        allowed_tools=[*task.policy.allowed, *map(name_in_cli, task.own_tools)],
        mcp_servers=dict(serve_tools(task.own_tools)),
        disallowed_tools=list(_GIT_IS_OURS) if "Bash" in task.policy.tools else [],
        permission_mode="acceptEdits",
        hooks={"PreToolUse": [guard]},
        setting_sources=list(settings.setting_sources),
        skills=[],
        strict_mcp_config=True,
        verbatim_prompts=True,
        include_partial_messages=True,
        max_buffer_size=MAX_MESSAGE_BYTES,
        max_turns=task.limits.max_turns,
        output_format={"type": "json_schema", "schema": dict(task.schema)} if task.schema is not None else None,
        session_store=session_store,
        session_store_flush="eager",
        session_id=None if task.resume_session else session_id,
        resume=task.resume_session,
        stderr=on_stderr,
    )


def system_prompt(task: AgentTask) -> str | SystemPromptPreset:
    """Our text, headed by role and phase.

    Agents with tools keep the CLI's own prompt in front of it, because that prompt explains the tools; without the
    parts that differ from folder to folder it is the same for all runs, hence cached. An agent without tools has no
    use for it and gets our text alone.
    """
    text = f"ADW role: {task.role}\nADW phase: {task.phase}\n\n{task.system}"
    if not task.policy.tools:
        return text
    return {"type": "preset", "preset": "claude_code", "append": text, "exclude_dynamic_sections": True}


def environment(
    task: AgentTask, *, base: Mapping[str, str], folder: RunFolder, settings: ClaudeSettings
) -> dict[str, str]:
    """The CLI's complete environment. `base` is ours: only harmless parts of it pass; the task cannot undo our own."""
    bash_limit_ms = str(round(bash_limit_s(task) * 1000))
    ours = {
        **_ALWAYS,
        "HOME": str(folder.home),
        "TMPDIR": str(folder.temporary),
        "CLAUDE_CONFIG_DIR": str(folder.config),
        "ANTHROPIC_BASE_URL": task.gateway_url,
        "ANTHROPIC_API_KEY": task.run_token,
        "CLAUDE_CODE_MAX_RETRIES": str(settings.max_retries),
        "API_TIMEOUT_MS": str(round(settings.first_byte_timeout_s * 1000)),
        "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": str(round(settings.stream_idle_timeout_s * 1000)),
        "BASH_DEFAULT_TIMEOUT_MS": bash_limit_ms,
        "BASH_MAX_TIMEOUT_MS": bash_limit_ms,
    }
    kept = environment_of_tools(task, base=base)
    return kept | ours | _proxy_exceptions(kept)


def with_runtime(confinement: Confinement | None, *, cli: Path, folder: RunFolder) -> Confinement | None:
    """What the CLI needs for itself, beside what its task says the agent may touch."""
    if confinement is None:
        return None
    return replace(
        confinement,
        writable=(*confinement.writable, folder.home, folder.config, folder.temporary),
        readable=(*confinement.readable, cli.parent, cli.resolve()),
    )


def environment_of_tools(task: AgentTask, *, base: Mapping[str, str]) -> dict[str, str]:
    """The harmless part of `base` and what the task adds.

    The agent's own `[env]` may be anything but sandbox claims and where its requests go: they are not its choice.
    """
    cleaned = clean_environment(base, task.env)
    return {name: value for name, value in cleaned.items() if not _is_reserved(name)}


def bash_limit_s(task: AgentTask) -> float:
    """How long one command may take: it must end before our watch takes its silence for a stall."""
    return min(_BASH_LIMIT_S, task.limits.idle_timeout_s * _BASH_SHARE_OF_IDLE)


def _is_reserved(name: str) -> bool:
    return name == "IS_SANDBOX" or name.startswith(("ANTHROPIC_", "CLAUDE_"))


def _proxy_exceptions(env: Mapping[str, str]) -> dict[str, str]:
    """The gateway is on this machine: a company proxy must not be asked for it."""
    if not any(name.upper().endswith("_PROXY") for name in env):
        return {}
    listed = env.get("NO_PROXY") or env.get("no_proxy") or ""
    value = f"{listed},{_LOOPBACK}" if listed else _LOOPBACK
    return {"NO_PROXY": value, "no_proxy": value}
