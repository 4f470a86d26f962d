"""Prompts as pure functions of values: each role's guidance and our rules as system text, the task as what is said.

Guidance may be replaced by a repository, rules and task may not. Text from outside is always fenced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Self

from adw.agents.document_prompts import document_slots
from adw.agents.feedback_prompts import items_text
from adw.agents.fence import fence
from adw.agents.review_prompts import findings_text, review_slots
from adw.agents.schemas import RESPONSE, SCHEMAS
from adw.domain.agent import Role
from adw.domain.checks import Diagnostic
from adw.domain.message import Message
from adw.domain.review import TrackedFinding
from adw.domain.testing import TestResult
from adw.kit.errors import ConfigurationError
from adw.ports.prompts import DocumentMaterial, FeedbackItem, IssueText, Prompt, ReviewMaterial

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_OVERRIDE_LIMIT_BYTES = 50_000
_FAILURES_SHOWN = 30
_OUTPUT_SHOWN = 4_000
_SHORT_PLAN = (
    "\n\nThis is a small change. Keep the plan to one page at most: the goal in a sentence, the steps with the files "
    "they change, and the tests. Leave out sections that would say nothing."
)
_NOTHING_KEPT = "Nothing of what it changed is left; you begin with the workspace as it was before."
_NO_GUIDANCE: Mapping[Role, str] = MappingProxyType({})


class AgentPrompts:
    """Implements `adw.ports.prompts.Prompts`. `guidance` replaces that of some roles."""

    def __init__(self, guidance: Mapping[Role, str] = _NO_GUIDANCE) -> None:
        self._guidance = guidance

    @classmethod
    def load(cls, overrides_dir: Path | None) -> Self:
        """With the overrides of a repository, such as its `.adw/prompts`. Raises as `load_prompt` does."""
        return cls({role: load_prompt(role, overrides_dir) for role in Role})

    def classify(self, *, issue: IssueText) -> Prompt:
        return self._prompt(Role.CLASSIFIER, "classify", issue=_issue(issue))

    def with_guidance(self, guidance: Mapping[Role, str]) -> AgentPrompts:
        return AgentPrompts({**self._guidance, **guidance})

    def plan(self, *, issue: IssueText, issue_class: str, plan_path: str, short: bool = False) -> Prompt:
        return self._prompt(
            Role.PLANNER,
            "plan",
            issue=_issue(issue),
            issue_class=issue_class,
            plan_path=plan_path,
            extent=_SHORT_PLAN if short else "",
        )

    def implement(self, *, issue: IssueText, plan_path: str | None, plan_text: str, commands: Sequence[str]) -> Prompt:
        where = f" It is kept in {_code(plan_path)}; leave that file as it is." if plan_path else ""
        plan = f"Carry out this plan.{where}\n\n{fence(plan_text, label='plan')}\n\nIt answers this request:"
        return self._prompt(
            Role.IMPLEMENTOR,
            "implement",
            plan=plan if plan_text.strip() else "Do what this request asks for:",
            issue=_issue(issue),
            commands=_commands(commands),
        )

    def repair(self, *, issue: IssueText, command: str, errors: Sequence[Diagnostic]) -> Prompt:
        listed = "\n".join(str(error) for error in errors)
        return self._prompt(
            Role.IMPLEMENTOR,
            "repair",
            issue=_issue(issue),
            command=_code(command),
            errors=fence(_shortened(listed), label="errors"),
        )

    def resolve(
        self, *, issue: IssueText, failures: Sequence[TestResult], reason: str, command: str, round_number: int
    ) -> Prompt:
        return self._prompt(
            Role.RESOLVER,
            "resolve",
            issue=_issue(issue),
            failures=_failures(failures, reason=reason),
            command=_code(command),
            round=str(round_number),
        )

    def review(self, *, issue: IssueText, material: ReviewMaterial) -> Prompt:
        return self._prompt(Role.REVIEWER, "review", issue=_issue(issue), **review_slots(material))

    def patch(
        self, *, issue: IssueText, findings: Sequence[TrackedFinding], commands: Sequence[str], round_number: int
    ) -> Prompt:
        return self._prompt(
            Role.PATCHER,
            "patch",
            issue=_issue(issue),
            findings=findings_text(findings),
            commands=_commands(commands),
            round=str(round_number),
        )

    def respond(
        self, *, issue: IssueText, items: Sequence[FeedbackItem], commands: Sequence[str], round_number: int
    ) -> Prompt:
        asked = self._prompt(
            Role.IMPLEMENTOR,
            "respond",
            issue=_issue(issue),
            items=items_text(items),
            commands=_commands(commands),
            round=str(round_number),
        )
        return replace(asked, schema=RESPONSE)

    def join(self, *, issue: IssueText, files: Sequence[str], base: str) -> Prompt:
        listed = fence("\n".join(f"- {each}" for each in files), label="files")
        return self._prompt(Role.RESOLVER, "join", issue=_issue(issue), files=listed, base=_code(base))

    def document(self, *, issue: IssueText, material: DocumentMaterial) -> Prompt:
        return self._prompt(Role.DOCUMENTER, "document", issue=_issue(issue), **document_slots(material))

    def perform(self, *, issue: IssueText, name: str, instructions: str) -> Prompt:
        """Carries out what the project's own prompt file says; that text is the project's, not a stranger's."""
        return self._prompt(
            Role.SPECIALIST, "perform", issue=_issue(issue), name=_code(name), instructions=instructions.strip()
        )

    def messages(self, *, messages: Sequence[Message]) -> str:
        """What people say to an agent at work. Each message's id is part of the words."""
        said = [
            f"Message {each.id} from {_code(each.author)}:\n\n{fence(each.body, label='message')}" for each in messages
        ]
        return _fill(_text("tasks/messages.md"), {"messages": "\n\n".join(said)})

    def resume(self, *, git_status: str) -> str:
        """What is said first to an agent whose conversation goes on after an interruption."""
        return _fill(_text("tasks/resume.md"), {"git_status": fence(git_status or "(no changes)", label="status")})

    def nudge(self, *, fact: str, notice_id: str, git_status: str) -> str:
        """Breaks into a conversation that gets nowhere with the fact that shows it. The id is part of the words."""
        status = fence(git_status or "(no changes)", label="status")
        return _fill(
            _text("tasks/nudge.md"), {"fact": fence(fact, label="fact"), "notice": notice_id, "git_status": status}
        )

    def begin_anew(self, *, fact: str, git_status: str | None) -> str:
        """Added to a task whose first conversation was given up; the status is that of a tree that was kept."""
        tree = _NOTHING_KEPT if git_status is None else _kept(git_status)
        return _fill(_text("tasks/begin_anew.md"), {"fact": fence(fact, label="fact"), "tree": tree})

    def _prompt(self, role: Role, task: str, **values: str) -> Prompt:
        guidance = self._guidance.get(role) or _text(f"{role}.md")
        return Prompt(
            system=f"{guidance.strip()}\n\n{_text('rules.md').strip()}\n",
            text=_fill(_text(f"tasks/{task}.md"), values),
            schema=SCHEMAS[role],
        )


def load_prompt(role: Role, overrides_dir: Path | None) -> str:
    """The guidance of a role: `<role>.md` of a repository's own folder if there is one, else ours.

    Raises `ConfigurationError` for a file that is empty, too long, no text, or a link.
    """
    path = None if overrides_dir is None else overrides_dir / f"{role}.md"
    if path is None or not (path.exists() or path.is_symlink()):
        return _text(f"{role}.md")
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _OVERRIDE_LIMIT_BYTES:
        raise ConfigurationError(
            f"{path} cannot be used as a prompt",
            hint=f"it must be a plain file of at most {_OVERRIDE_LIMIT_BYTES} bytes",
        )
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text") from error
    if not text:
        raise ConfigurationError(f"{path} is empty", hint="delete it to use the built-in prompt")
    return text


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Every slot once, in one pass: what is filled in is never looked at again. A slot without a value is a defect."""
    return _SLOT.sub(lambda slot: values[slot[1]], template)


@cache
def _text(name: str) -> str:
    return resources.files("adw.agents").joinpath("prompts", name).read_text(encoding="utf-8")


def _kept(git_status: str) -> str:
    status = fence(git_status or "(no changes)", label="status")
    return f"What it changed is still in the workspace; look at it before you build on it:\n\n{status}"


def _issue(issue: IssueText) -> str:
    heading = f"#{issue.number}: {issue.title}" if issue.number else issue.title
    return fence(f"{heading}\n\n{issue.body.strip()}".strip(), label="request")


def _commands(commands: Sequence[str]) -> str:
    if not commands:
        return "The project declares no commands of its own; find out from its files how it is checked."
    lines = "\n".join(f"- {_code(line)}" for line in commands)
    return f"The project's own commands, run independently when you are done:\n\n{lines}"


def _failures(failures: Sequence[TestResult], *, reason: str) -> str:
    """The first failures with what they printed; one that has nothing to show is still named."""
    shown = [
        fence(_shortened(f"{failure.test_name}\n\n{failure.error or '(no output)'}"), label="failure")
        for failure in failures[:_FAILURES_SHOWN]
    ]
    hidden = len(failures) - len(shown)
    more = [f"{hidden} more fail as well."] if hidden > 0 else []
    said = [fence(_shortened(reason), label="reason")] if reason.strip() else []
    return "\n\n".join([*said, *shown, *more])


def _shortened(text: str) -> str:
    """Beginning and end, where causes and conclusions stand."""
    if len(text) <= _OUTPUT_SHOWN:
        return text
    half = _OUTPUT_SHOWN // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _code(text: str) -> str:
    """Inline code that the text cannot close: one backtick more than its longest run."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * (longest + 1)
    padding = " " if longest else ""
    return f"{ticks}{padding}{text}{padding}{ticks}"
