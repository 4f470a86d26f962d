"""What GitHub demands before anything is merged: branch protection, rulesets and the repository's own settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from adw.domain.forge import MergeMethod
from adw.domain.forge_checks import BranchRules
from adw.forge.github.client.failures import FailureKind
from adw.forge.github.client.repository import RepositoryApi, items_of, read, segment
from adw.forge.github.slices.checks import BranchSlice, ProtectionSlice, RequiredChecksSlice, RuleSlice
from adw.forge.github.slices.repository import RepositorySlice

METHODS: tuple[MergeMethod, ...] = ("squash", "merge", "rebase")
_HIDDEN = frozenset({FailureKind.NOT_FOUND, FailureKind.DENIED, FailureKind.GONE, FailureKind.INVALID})
"""Protection is shown to administrators only; rulesets do not exist everywhere."""
_BINDING = frozenset({"pull_request", "required_status_checks", "required_linear_history", "update", "merge_queue"})


async def rules_of(api: RepositoryApi, branch: str) -> BranchRules:
    """All that can be seen of them. A branch that does not exist has none of its own."""
    repository = await api.get(RepositorySlice, "", what=f"read {api.full_name}")
    shown = await _branch(api, branch)
    protection = await _protection(api, branch) if shown.protected else None
    rules = await _rules(api, branch)
    protections = [each for each in (shown.protection, protection) if each is not None]
    checks = [each.required_status_checks for each in protections if each.required_status_checks is not None]
    reviews = [each.required_pull_request_reviews for each in protections]
    return BranchRules(
        is_protected=shown.protected or any(rule.type in _BINDING for rule in rules),
        required_checks=_unique([*_from_protection(checks), *_from_rules(rules)]),
        required_approvals=max(
            [
                0,
                *(each.required_approving_review_count for each in reviews if each is not None),
                *(_count(_parameters(rule, "pull_request").get("required_approving_review_count")) for rule in rules),
            ]
        ),
        must_be_up_to_date=any(each.strict for each in checks)
        or any(
            bool(_parameters(rule, "required_status_checks").get("strict_required_status_checks_policy"))
            for rule in rules
        ),
        methods=_methods(repository, rules),
    )


def methods_of(repository: RepositorySlice) -> tuple[MergeMethod, ...]:
    """The ways of merging a repository allows."""
    allowed = (repository.allow_squash_merge, repository.allow_merge_commit, repository.allow_rebase_merge)
    return tuple(method for method, is_allowed in zip(METHODS, allowed, strict=True) if is_allowed)


async def _branch(api: RepositoryApi, branch: str) -> BranchSlice:
    what = f"read branch {branch}"
    answer = await api.send("GET", f"/branches/{segment(branch)}", what=what, accept=_HIDDEN)
    return BranchSlice() if answer.failure is not None else read(BranchSlice, answer.json())


async def _protection(api: RepositoryApi, branch: str) -> ProtectionSlice | None:
    path, what = f"/branches/{segment(branch)}/protection", f"read the protection of {branch}"
    answer = await api.send("GET", path, what=what, accept=_HIDDEN)
    return None if answer.failure is not None else read(ProtectionSlice, answer.json())


async def _rules(api: RepositoryApi, branch: str) -> list[RuleSlice]:
    path, what = f"/rules/branches/{segment(branch)}", f"read the rules of {branch}"
    answer = await api.send("GET", path, what=what, query={"per_page": "100"}, accept=_HIDDEN)
    return [] if answer.failure is not None else [read(RuleSlice, item) for item in items_of(answer)]


def _from_protection(checks: Iterable[RequiredChecksSlice]) -> list[str]:
    return [name for each in checks for name in (*each.contexts, *(check.context for check in each.checks))]


def _from_rules(rules: Iterable[RuleSlice]) -> list[str]:
    found = (_parameters(rule, "required_status_checks").get("required_status_checks") for rule in rules)
    checks = [item for each in found if isinstance(each, list) for item in cast("list[Any]", each)]
    return [str(cast("dict[str, Any]", item).get("context") or "") for item in checks if isinstance(item, dict)]


def _methods(repository: RepositorySlice, rules: Iterable[RuleSlice]) -> tuple[MergeMethod, ...]:
    methods = methods_of(repository)
    for rule in rules:
        allowed = _parameters(rule, "pull_request").get("allowed_merge_methods")
        if isinstance(allowed, list):
            methods = _only(methods, cast("list[Any]", allowed))
        if rule.type == "required_linear_history":
            methods = _only(methods, ("squash", "rebase"))
    return methods


def _only(methods: tuple[MergeMethod, ...], allowed: Collection[Any]) -> tuple[MergeMethod, ...]:
    return tuple(method for method in methods if method in allowed)


def _parameters(rule: RuleSlice, kind: str) -> Mapping[str, Any]:
    return rule.parameters or {} if rule.type == kind else {}


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
