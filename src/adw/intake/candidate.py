"""Work about to be accepted, and what was found out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adw.domain.config import ProjectConfig
from adw.domain.forge import Issue
from adw.domain.project import Project
from adw.domain.workflow import Workflow
from adw.intake.repository import Found
from adw.intake.request import WorkRequest
from adw.kit.errors import AdwError, DuplicateRunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Work about to be accepted: what is asked, where it would start, and by which rules."""

    request: WorkRequest
    found: Found
    config: ProjectConfig
    kind: str
    phases: tuple[str, ...]
    issue: Issue | None
    budget_usd: Decimal | None
    depends_on: tuple[str, ...] = ()
    """Ids of the workflows it is to wait for."""

    @property
    def project(self) -> Project:
        return self.found.project


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found: nothing to say, something a person should know, or a refusal."""

    check: str
    message: str
    is_note: bool = False
    refusal: AdwError | None = None


def duplicate(issue_number: int, live: Workflow | None) -> DuplicateRunError:
    """The refusal of a second live workflow on an issue, with the id of the first."""
    identity = live.adw_id if live else "?"
    return DuplicateRunError(
        f"issue #{issue_number} already has the live workflow {identity}",
        hint=f"see `adw workflow show {identity}`; go on with it by `adw run -w test --on {identity}`; to start anew "
        "cancel it, or merge or close its pull request",
    )


def refuse(findings: Sequence[Finding]) -> None:
    """Raises the first refusal there is."""
    for finding in findings:
        if finding.refusal is not None:
            raise finding.refusal
