"""What an agent is asked to do and what it says while doing it. No SDK types appear here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adw.domain.failure import FailureClass
from adw.domain.usage import Usage

if TYPE_CHECKING:
    from adw.kit.process.confinement import Confinement  # half of the program would come along


class Role(StrEnum):
    """The parts agents play. Each has a prompt file of the same name."""

    CLASSIFIER = "classifier"
    PLANNER = "planner"
    IMPLEMENTOR = "implementor"
    RESOLVER = "resolver"
    REVIEWER = "reviewer"
    PATCHER = "patcher"
    DOCUMENTER = "documenter"
    SPECIALIST = "specialist"
    """Whoever carries out a phase that a repository defines by a prompt."""


class ModelSet(StrEnum):
    """Which model each role uses."""

    BASE = "base"
    HEAVY = "heavy"
    LIGHTWEIGHT = "lightweight"


class RuntimeName(StrEnum):
    """What holds conversations with agents."""

    CLAUDE = "claude"
    """A process of the Claude Code CLI for each conversation."""
    PLAIN = "plain"
    """A loop of our own without any process; experimental."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLimits:
    """When an agent must end, however far it got."""

    max_turns: int = 200
    timeout_s: float = 3600.0
    idle_timeout_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolPolicy:
    """The tools an agent has, and those rules that let a call through without a person."""

    tools: tuple[str, ...]
    allowed: tuple[str, ...]
    writable: tuple[str, ...] = ("**",)
    """Globs, relative to the workspace, of what the agent may write; `()` means read-only."""
    readable: tuple[Path, ...] = ()
    """Folders outside the workspace that it may read."""


ORCHESTRATOR: Literal["orchestrator"] = "orchestrator"
"""Whoever people talk to; it plays no part in any phase, so it is no `Role`."""
FREE_AGENT: Literal["agent"] = "agent"
"""Whoever works outside of workflows, by command."""
SUMMARIZER: Literal["summarizer"] = "summarizer"
"""Whoever tells what a phase came to, after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTool:
    """A tool that we carry out ourselves, in this process, for an agent that calls it."""

    name: str
    about: str
    schema: Mapping[str, Any]
    """JSON schema of its input."""
    call: Callable[[Mapping[str, Any]], Awaitable[tuple[str, bool]]]
    """The answer in words, and whether it is an error. Never raises for what the agent asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What an agent is about to do."""

    tool: str
    given: Mapping[str, Any]
    """Its input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a call: it is made as it is, made with another input, or refused."""

    refusal: str | None = None
    """Why it is not made, in words for the agent."""
    edited: Mapping[str, Any] | None = None
    """The input it is made with instead of its own."""
    note: str | None = None
    """What the agent hears of it besides the call's result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGate:
    """Calls that wait for a person. What the agent's policy forbids never comes here."""

    concerns: Callable[[ToolCall], bool]
    ask: Callable[[ToolCall], Awaitable[Verdict]]
    """Waits for the answer, no longer than some minutes. Never raises for what people do or leave undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask:
    """One conversation of one agent: everything its runtime needs."""

    run_id: str
    """Stable over crashes: the same task after a restart has the same id."""
    adw_id: str
    role: Role | Literal["orchestrator", "agent", "summarizer"]
    phase: str
    attempt: int
    model: str
    prompt: str
    system: str
    cwd: Path
    policy: ToolPolicy
    limits: AgentLimits
    gateway_url: str
    run_token: str
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer; None means free text."""
    resume_session: str | None = None
    """The session to continue; `prompt` is then what is said next in it."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Extra variables for the agent's tools, such as the workflow's ports."""
    runtime: RuntimeName | None = None
    """What is to hold the conversation, if the project says so. One that is resumed stays where it began."""
    confinement: Confinement | None = None
    """What the agent and its tools may touch, besides what its runtime needs for itself; None: whatever we may."""
    own_tools: tuple[OwnTool, ...] = ()
    """Tools besides those of the policy. All of them may be called without anybody being asked."""
    gate: ToolGate | None = None
    """Which calls a person must allow; None: none."""


MessageKind = Literal["started", "text", "thinking", "tool_use", "tool_result", "retry", "delta", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage:
    """Something an agent said or did. `delta` is a piece of text still being written, never stored; without text
    it only shows that something is being written. `waiting` is said time and again while a call waits for a person.
    """

    kind: MessageKind
    session_id: str | None = None
    text: str = ""
    tool_use_id: str | None = None
    tool_name: str | None = None
    tool_input: Mapping[str, Any] | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """How a conversation ended. `failure` is None exactly when it did what was asked."""

    session_id: str | None
    text: str = ""
    structured: Mapping[str, Any] | None = None
    usage: Usage
    turns: int = 0
    duration_ms: int = 0
    stop_reason: str | None = None
    failure: AgentFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFailure:
    """Why a conversation did not end well."""

    failure_class: FailureClass
    message: str
    retryable: bool
    api_status: int | None = None
    answer_missing: bool = False
    """It ended by itself, only without the answer it was asked for; what it did stands."""
