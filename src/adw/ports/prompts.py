"""What agents are told. Text from an issue reaches them fenced, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from adw.domain.checks import Diagnostic
from adw.domain.testing import TestResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The words for one conversation, and the shape its answer must have (None: free text)."""

    system: str
    text: str
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueText:
    """An issue as an agent gets to see it: untrusted."""

    number: int | None
    title: str
    body: str


class Prompts(Protocol):
    """Pure rendering; the same input gives the same words."""

    def classify(self, *, issue: IssueText) -> Prompt:
        """Asks for `{issue_class, slug, title}`."""
        ...

    def plan(self, *, issue: IssueText, issue_class: str, plan_path: str) -> Prompt:
        """Asks for one file, the plan, at `plan_path` below the workspace."""
        ...

    def implement(self, *, issue: IssueText, plan_path: str | None, plan_text: str, commands: Sequence[str]) -> Prompt:
        """Asks for the change and `{summary, commit_message, pull_request_title, pull_request_body}`."""
        ...

    def repair(self, *, issue: IssueText, command: str, errors: Sequence[Diagnostic]) -> Prompt:
        """Asks to mend what a build or lint command complains about, answering as `implement` does."""
        ...

    def resolve(
        self, *, issue: IssueText, failures: Sequence[TestResult], reason: str, command: str, round_number: int
    ) -> Prompt:
        """Asks to mend failing tests and for `{summary, commit_message}`."""
        ...

    def resume(self, *, git_status: str) -> str:
        """What is said first in a conversation that was interrupted."""
        ...
