"""Prompts as pure functions of values: each role's guidance and our rules as system text, the task as what is said.

Guidance may be replaced by a repository, rules and task may not. Text from outside is always fenced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from adw.agents.fence import fence
from adw.agents.schemas import SCHEMAS
from adw.domain.agent import Role
from adw.kit.errors import ConfigurationError

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_OVERRIDE_LIMIT = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueText:
    """What a person asked for, as they wrote it. `reference` is how people call it, such as `#12`."""

    title: str
    body: str
    reference: str | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCheck:
    """A test or command that fails, and what it printed."""

    name: str
    command: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What an `AgentTask` takes from here: `system`, `prompt` and `schema`."""

    role: Role
    system: str
    prompt: str
    schema: Mapping[str, Any] | None


def classify(issue: IssueText, *, guidance: str | None = None) -> Prompt:
    return _prompt(Role.CLASSIFIER, guidance, issue=_issue(issue))


def plan(issue: IssueText, *, plan_path: str, guidance: str | None = None) -> Prompt:
    """`plan_path` is relative to the workspace; the planner writes that file and nothing else."""
    return _prompt(Role.PLANNER, guidance, issue=_issue(issue), plan_path=plan_path)


def implement(issue: IssueText, *, plan_text: str, commands: Mapping[str, str], guidance: str | None = None) -> Prompt:
    """`commands` are the project's own, by what they do: `test`, `lint`, `build`, ..."""
    return _prompt(
        Role.IMPLEMENTOR,
        guidance,
        issue=_issue(issue),
        plan=fence(plan_text, label="plan"),
        commands=_commands(commands),
    )


def resolve(
    issue_summary: str,
    *,
    failures: Sequence[FailedCheck],
    commands: Mapping[str, str],
    round_number: int,
    guidance: str | None = None,
) -> Prompt:
    return _prompt(
        Role.RESOLVER,
        guidance,
        issue_summary=fence(issue_summary, label="request"),
        failures="\n\n".join(_failure(failure) for failure in failures),
        commands=_commands(commands),
        round=str(round_number),
    )


def resume(git_status: str) -> str:
    """What is said to an agent whose conversation goes on after an interruption."""
    return _fill(_text("tasks/resume.md"), {"git_status": fence(git_status or "(no changes)", label="status")})


def load_prompt(role: Role, overrides_dir: Path | None) -> str:
    """The guidance of a role: `<role>.md` of a repository's own folder if there is one, else ours.

    Raises `ConfigurationError` for a file that is empty, too long, no text, or a link.
    """
    path = None if overrides_dir is None else overrides_dir / f"{role}.md"
    if path is None or not (path.exists() or path.is_symlink()):
        return _text(f"{role}.md")
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _OVERRIDE_LIMIT:
        raise ConfigurationError(
            f"{path} cannot be used as a prompt", hint=f"it must be a plain file of at most {_OVERRIDE_LIMIT} bytes"
        )
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text") from error
    if not text:
        raise ConfigurationError(f"{path} is empty", hint="delete it to use the built-in prompt")
    return text


def _prompt(role: Role, guidance: str | None, **values: str) -> Prompt:
    return Prompt(
        role=role,
        system=f"{(guidance or _text(f'{role}.md')).strip()}\n\n{_text('rules.md').strip()}\n",
        prompt=_fill(_text(f"tasks/{role}.md"), values),
        schema=SCHEMAS[role],
    )


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Every slot once, in one pass: what is filled in is never looked at again. A slot without a value is a defect."""
    return _SLOT.sub(lambda slot: values[slot[1]], template)


@cache
def _text(name: str) -> str:
    return resources.files("adw.agents").joinpath("prompts", name).read_text(encoding="utf-8")


def _issue(issue: IssueText) -> str:
    heading = f"{issue.reference}: {issue.title}" if issue.reference else issue.title
    parts = [heading, issue.body, *(f"Comment:\n{comment}" for comment in issue.comments)]
    return fence("\n\n".join(part.strip() for part in parts if part.strip()), label="request")


def _failure(failure: FailedCheck) -> str:
    return fence(f"{failure.name}\nCommand: {failure.command}\n\n{failure.output}", label="failure")


def _commands(commands: Mapping[str, str]) -> str:
    if not commands:
        return "The project declares no commands of its own; find out from its files how it is checked."
    lines = "\n".join(f"- {name}: {_code(line)}" for name, line in commands.items())
    return f"The project's own commands:\n\n{lines}"


def _code(text: str) -> str:
    """Inline code that the text cannot close: one backtick more than its longest run."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    padding = " " if longest else ""
    return f"{ticks}{padding}{text}{padding}{ticks}"
