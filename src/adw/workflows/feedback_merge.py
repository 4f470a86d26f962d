"""What a forge still waits for before a proven pull request may be merged by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from adw.domain.forge import MergeMethod, Review
from adw.domain.forge_checks import CheckState, overall
from adw.ports.forge import Forge

_WAYS: tuple[MergeMethod, ...] = ("squash", "merge", "rebase")
"""Those that keep the base readable first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTerms:
    """`waits_for` says what is not there yet, None when all is; `method` is a way of merging the branch allows."""

    waits_for: str | None = None
    method: MergeMethod = "squash"


async def merge_terms(
    forge: Forge, *, number: int, head: str, base: str, base_sha: str, required: Collection[str]
) -> MergeTerms:
    """Of a forge without checks: nothing. `base_sha` is the commit of the base that was last brought in."""
    if not forge.capabilities.has_checks:
        return MergeTerms()
    rules = await forge.branch_rules(base)
    method = _method(rules.methods)
    base_head = await forge.branch_head(base)
    if rules.must_be_up_to_date and base_head not in {None, base_sha}:
        return MergeTerms(waits_for=f"{base} has moved, and the branch has to be up to date with it", method=method)
    checks = await forge.list_checks(head)
    if not checks and base_head is not None and await forge.list_checks(base_head):
        return MergeTerms(waits_for="none of its checks has begun", method=method)
    state = overall(checks, required={*rules.required_checks, *required})
    if state in {CheckState.PENDING, CheckState.FAILED}:
        word = "have not ended" if state is CheckState.PENDING else "are not green"
        return MergeTerms(waits_for=f"its checks {word}", method=method)
    if rules.required_approvals > approvals_in(await forge.list_reviews(number)):
        return MergeTerms(waits_for=f"{base} demands an approval of somebody else", method=method)
    return MergeTerms(method=method)


def approvals_in(reviews: Sequence[Review]) -> int:
    """How many people approve, by the last verdict of each."""
    latest = {each.author: each.state for each in reviews if each.state != "commented" and not each.is_dismissed}
    return sum(state == "approved" for state in latest.values())


def _method(allowed: Sequence[str]) -> MergeMethod:
    for way in _WAYS:
        if way in allowed:
            return way
    return _WAYS[0]
