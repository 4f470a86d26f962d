from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adw.domain.forge import Review
from adw.domain.forge_checks import BranchRules, Check, CheckState
from adw.ports.forge import Forge
from adw.workflows.feedback_merge import MergeTerms, merge_terms

HEAD, BASE = "a" * 40, "b" * 40


@dataclass
class Guarded:
    """A forge with checks and rules."""

    rules: BranchRules = field(default_factory=BranchRules)
    checks: dict[str, list[CheckState]] = field(default_factory=dict[str, list[CheckState]])
    verdicts: tuple[tuple[str, Any], ...] = ()
    base_head: str = BASE
    has_checks: bool = True

    @property
    def capabilities(self) -> Any:
        return SimpleNamespace(has_checks=self.has_checks)

    async def branch_rules(self, _branch: str) -> BranchRules:
        return self.rules

    async def branch_head(self, _branch: str) -> str:
        return self.base_head

    async def list_checks(self, sha: str) -> list[Check]:
        return [
            Check(id=str(n), name=f"check-{n}", sha=sha, state=state)
            for n, state in enumerate(self.checks.get(sha, []))
        ]

    async def list_reviews(self, _number: int) -> list[Review]:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        return [
            Review(id="1", number=2, state=state, body="", author=author, head_sha=HEAD, submitted_at=now)
            for author, state in self.verdicts
        ]


async def terms(forge: Guarded, *, required: tuple[str, ...] = ()) -> MergeTerms:
    return await merge_terms(cast("Forge", forge), number=2, head=HEAD, base="main", base_sha=BASE, required=required)


@pytest.mark.parametrize(
    ("forge", "waits_for"),
    [
        (Guarded(has_checks=False), None),
        (Guarded(), None),
        (Guarded(checks={HEAD: [CheckState.PASSED]}), None),
        (Guarded(checks={HEAD: [CheckState.NEUTRAL]}), None),
        (Guarded(checks={BASE: [CheckState.PASSED]}), "none of its checks has begun"),
        (Guarded(checks={HEAD: [CheckState.PENDING]}), "its checks have not ended"),
        (Guarded(checks={HEAD: [CheckState.PASSED, CheckState.FAILED]}), "its checks are not green"),
        (Guarded(rules=BranchRules(required_checks=("ci",))), "its checks have not ended"),
        (Guarded(rules=BranchRules(required_approvals=1)), "main demands an approval of somebody else"),
        (Guarded(rules=BranchRules(required_approvals=1), verdicts=(("ada", "approved"),)), None),
        (
            Guarded(
                rules=BranchRules(required_approvals=1), verdicts=(("ada", "approved"), ("ada", "changes_requested"))
            ),
            "main demands an approval of somebody else",
        ),
        (
            Guarded(rules=BranchRules(must_be_up_to_date=True), base_head="c" * 40),
            "main has moved, and the branch has to be up to date with it",
        ),
        (Guarded(rules=BranchRules(must_be_up_to_date=True)), None),
    ],
)
async def test_a_merge_waits_for_whatever_the_forge_demands(forge: Guarded, waits_for: str | None):
    assert (await terms(forge)).waits_for == waits_for


async def test_checks_a_project_requires_count_as_those_of_the_branch():
    assert (await terms(Guarded(checks={HEAD: [CheckState.PASSED]}), required=("other",))).waits_for is not None
    assert (await terms(Guarded(checks={HEAD: [CheckState.PASSED]}), required=("check-0",))).waits_for is None


@pytest.mark.parametrize(
    ("allowed", "method"), [(("merge", "squash"), "squash"), (("rebase",), "rebase"), ((), "squash")]
)
async def test_the_way_of_merging_is_one_that_is_allowed(allowed: tuple[str, ...], method: str):
    assert (await terms(Guarded(rules=BranchRules(methods=allowed)))).method == method
