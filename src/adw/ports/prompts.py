"""What agents are told. Text from an issue reaches them fenced, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from adw.domain.agent import Role
from adw.domain.checks import Diagnostic
from adw.domain.message import Message
from adw.domain.review import TrackedFinding
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewMaterial:
    """What a reviewer is shown besides the request. Texts are complete; rendering shortens them."""

    round_number: int
    files: Sequence[str]
    """What changed, a line for each file."""
    diff: str
    diff_file: str | None = None
    """Where the reviewer can read the whole of `diff`."""
    plan: str | None = None
    evidence: Sequence[str] = ()
    """What gates found, a sentence each."""
    open_findings: Sequence[TrackedFinding] = ()
    app_note: str = ""
    """How starting the application went, and where it answers; empty when it was not tried."""
    pictures: Sequence[str] = ()
    """Files the reviewer may look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMaterial:
    """What a documenter is shown besides the request. Texts are complete; rendering shortens them."""

    page_path: str
    changed: Sequence[str]
    """What changed, a line for each file."""
    diff: str
    plan: str = ""
    changelog: str | None = None
    """The file that is to gain a line; None where there is none."""
    problems: Sequence[str] = ()
    """Why what was written before is not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackItem:
    """Something a round on a pull request has to answer: a red check, or what somebody said. Untrusted."""

    number: int
    heading: str
    """Ours: what it is and where."""
    text: str


class Prompts(Protocol):
    """Pure rendering; the same input gives the same words."""

    def classify(self, *, issue: IssueText) -> Prompt:
        """Asks for `{issue_class, slug, title}`."""
        ...

    def plan(self, *, issue: IssueText, issue_class: str, plan_path: str, short: bool = False) -> Prompt:
        """Asks for one file, the plan, at `plan_path` below the workspace; a short one is at most a page."""
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

    def review(self, *, issue: IssueText, material: ReviewMaterial) -> Prompt:
        """Asks what is wrong with a finished change: a `ReviewResult`, see `adw.domain.review`."""
        ...

    def patch(
        self, *, issue: IssueText, findings: Sequence[TrackedFinding], commands: Sequence[str], round_number: int
    ) -> Prompt:
        """Asks to put right what a review found, and for `{summary, commit_message}`."""
        ...

    def respond(
        self, *, issue: IssueText, items: Sequence[FeedbackItem], commands: Sequence[str], round_number: int
    ) -> Prompt:
        """Asks to deal with each item, and for `{summary, commit_message, answers: [{item, outcome, reply}]}`."""
        ...

    def join(self, *, issue: IssueText, files: Sequence[str], base: str) -> Prompt:
        """Asks to settle the conflicts of a merge that stand in these files, and for `{summary, commit_message}`."""
        ...

    def document(self, *, issue: IssueText, material: DocumentMaterial) -> Prompt:
        """Asks for a page about a finished change and for `{summary, commit_message}`."""
        ...

    def perform(self, *, issue: IssueText, name: str, instructions: str) -> Prompt:
        """Asks to carry out a phase that the project defines in its own words, and for `{summary, commit_message}`."""
        ...

    def with_guidance(self, guidance: Mapping[Role, str]) -> Prompts:
        """The same prompts with another guidance for some roles, as a project words it."""
        ...

    def messages(self, *, messages: Sequence[Message]) -> str:
        """What people say to an agent at work. Each message's id is part of the words."""
        ...

    def resume(self, *, git_status: str) -> str:
        """What is said first in a conversation that was interrupted."""
        ...

    def nudge(self, *, fact: str, notice_id: str, git_status: str) -> str:
        """Breaks into a conversation that gets nowhere with the fact that shows it. The id is part of the words."""
        ...

    def begin_anew(self, *, fact: str, git_status: str | None) -> str:
        """Added to a task whose first conversation was given up; the status is that of a tree that was kept."""
        ...
