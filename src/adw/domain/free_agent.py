"""Agents outside of workflows: long-lived, named, commanded one command after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from adw.domain.agent import ToolPolicy
from adw.kit.errors import UsageError

READING = ("Read", "Glob", "Grep")
ALL_TOOLS = (*READING, "Write", "Edit", "Bash")
"""What a free agent can be given; there is nothing else in its reach."""
USUAL_BUDGET_USD = Decimal(5)
"""What an agent may spend in a calendar month unless somebody said otherwise."""
MOST_WAITING = 20
"""Commands that may wait for one agent."""

_CHANGING = frozenset({"Write", "Edit", "Bash"})
_NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_MOST_NAME_CHARS = 50
_RULE = re.compile(r"(?P<tool>[A-Za-z]+)(?:\(.*\))?", re.DOTALL)


class AgentStatus(StrEnum):
    """What an agent does, or how its last command ended."""

    IDLE = "idle"
    EXECUTING = "executing"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DELETED = "deleted"


class CommandState(StrEnum):
    """How far a command is."""

    QUEUED = "queued"
    EXECUTING = "executing"
    DONE = "done"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


LogKind = Literal["command", "text", "thinking", "tool_use", "tool_result", "answer", "notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeAgent:
    """One agent. `tools` are names, or rules such as `Bash(git log:*)`; they hold for each of its commands.

    `base_sha` is the commit its files began from, `host` where they are now; both None without files. `kept_as` is the
    ref under which they were kept when it was deleted. Costs are in US dollars.
    """

    id: UUID
    orchestrator_agent_id: UUID
    name: str
    project_id: str | None
    base_sha: str | None
    template: str | None
    system_prompt: str
    tools: tuple[str, ...]
    model: str | None
    budget_usd: Decimal | None
    status: AgentStatus
    session_id: str | None
    input_tokens: int
    output_tokens: int
    context_tokens: int
    total_cost: Decimal
    host: str | None
    place: str | None
    snapshot_sha: str | None
    kept_as: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @property
    def kept_ref(self) -> str:
        """Where its work is kept on the project's remote when it is deleted."""
        return f"refs/adw/agents/{self.name}/{self.id.hex[:8]}"

    @property
    def workspace_name(self) -> str:
        """Of its own working tree, among those of workflows."""
        return f"agent-{self.id.hex[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCommand:
    """Something an agent was told to do. `attempt` counts workers that took it up; `stopped_by` wants it to end."""

    id: int
    agent_id: UUID
    author: str
    body: str
    state: CommandState
    attempt: int
    stopped_by: str | None
    answer: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    created_at: datetime
    taken_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLogEntry:
    """One thing said or done. `summary` is one line that says what it is, without asking a model."""

    seq: int
    agent_id: UUID
    command_id: int | None
    kind: LogKind
    summary: str
    body: str
    metadata: Mapping[str, Any]
    created_at: datetime


def check_name(name: str) -> str:
    """Raises UsageError for what cannot name an agent."""
    if len(name) > _MOST_NAME_CHARS or _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot name an agent",
            hint=f"use lower-case letters and digits joined by hyphens, at most {_MOST_NAME_CHARS}: `date-checker`",
        )
    return name


def tool_of(rule: str) -> str:
    """The tool a rule is about: `Bash` of `Bash(git log:*)`."""
    found = _RULE.fullmatch(rule)
    return found["tool"] if found else rule


def known_rules(rules: Sequence[str]) -> tuple[str, ...]:
    """Those about tools there are, each once, in their order."""
    return tuple(dict.fromkeys(rule for rule in rules if tool_of(rule) in ALL_TOOLS))


def policy_of(rules: Sequence[str]) -> ToolPolicy:
    """What an agent with these tools may do. Without one that changes something its files are read-only."""
    tools = tuple(dict.fromkeys(map(tool_of, rules)))
    writable = ("**",) if _CHANGING & set(tools) else ()
    return ToolPolicy(tools=tools, allowed=tuple(rules), writable=writable)
