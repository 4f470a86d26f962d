"""What every forge must do, whoever keeps the issues. A forge is tested by a subclass with a `stage` fixture."""

from __future__ import annotations

from tests.forge.conformance_issues import IssueConformance
from tests.forge.conformance_merge import MergeConformance
from tests.forge.conformance_pulls import PullRequestConformance
from tests.forge.conformance_threads import AccountConformance, CheckConformance, ThreadConformance


class ForgeConformance(
    IssueConformance,
    PullRequestConformance,
    MergeConformance,
    ThreadConformance,
    CheckConformance,
    AccountConformance,
):
    """Everything."""
