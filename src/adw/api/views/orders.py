"""What a request for work would become, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from adw.api.views.projects import CommandsView
from adw.api.wire import Money, Wire
from adw.intake.candidate import Finding
from adw.kit.errors import AdwError


class FindingView(Wire):
    """What one check found."""

    check: str
    message: str
    is_note: bool = Field(description="Whether a person should know it")
    code: str | None = Field(description="The refusal's code; null where nothing is refused")
    hint: str | None = Field(description="What to do about a refusal")


class PreviewView(Wire):
    """The resolved plan of a request, and what speaks against it."""

    success: bool = Field(description="Whether it would be accepted")
    adw_id: str | None = Field(description="The workflow that would go on; null where a new one would begin")
    workflow_type: str
    phases: tuple[str, ...]
    base_branch: str
    base_sha: str
    model_set: str
    models: Mapping[str, str] = Field(description="By role, for the agents these phases may call upon")
    budget_usd: Money | None
    commands: CommandsView | None = Field(description="Null when there are no files here to find them in")
    findings: tuple[FindingView, ...]
    notes: tuple[str, ...]


def finding_view(found: Finding) -> FindingView:
    return FindingView(
        check=found.check,
        message=found.message,
        is_note=found.is_note,
        code=None if found.refusal is None else found.refusal.code,
        hint=None if found.refusal is None else found.refusal.hint,
    )


def refused(findings: Sequence[Finding]) -> AdwError | None:
    """The first refusal there is."""
    return next((each.refusal for each in findings if each.refusal is not None), None)
