"""After a merge of ours: whether checks of the base turned red because of it, and what is done about that. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from adw.domain.feedback import FailedCheck, Fault

PENDING_S = 30.0
NOTHING_YET_S = 60.0
ASKED_S = 600.0
NOTHING_FOR_S = 3600.0
"""Checks that have not begun by then will not run on the merge."""
GIVEN_UP_S = 6 * 3600.0

_BY_CHANCE = frozenset({Fault.FLAKY, Fault.INFRASTRUCTURE})
_OURS = frozenset({Fault.REGRESSION, Fault.FLAKY})
_CAUSES: Mapping[Fault, str] = {
    Fault.BILLING: "it could not run because of the account's billing or quota",
    Fault.INFRASTRUCTURE: "its machine or network failed",
    Fault.PREEXISTING: "it was red before",
    Fault.FLAKY: "it may have failed by chance, but did so twice or cannot be run again",
    Fault.REGRESSION: "the merge broke it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What was done since the merge."""

    since: float | None = None
    """When it was first looked at, in seconds since 1970."""
    reruns: tuple[str, ...] = ()
    asked: str | None = None
    """Key of the question whether to take it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterFacts:
    """How the merge's own commit stands. `turned` are red checks that were green on the base before."""

    age_s: float
    has_checks: bool
    is_pending: bool
    turned: tuple[FailedCheck, ...] = ()
    question: Literal["none", "pending", "allowed", "denied"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookLater:
    """Nothing is certain yet."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAgain:
    """A check is run again, for it may have failed by chance."""

    check: FailedCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRed:
    """People are told. `offers_revert`: and asked whether to take the merge back."""

    text: str
    offers_revert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """A person wants it taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """There is nothing more to look for."""


AfterAction = LookLater | RunAgain | TellRed | TakeBack | Finish


def decide_after(facts: AfterFacts, after: After) -> AfterAction:
    if facts.question != "none":
        asked: dict[str, AfterAction] = {"pending": LookLater(after_s=ASKED_S), "allowed": TakeBack()}
        return asked.get(facts.question, Finish())
    if facts.is_pending and facts.age_s < GIVEN_UP_S:
        return LookLater(after_s=PENDING_S)
    for check in facts.turned:
        if check.fault in _BY_CHANCE and check.can_rerun and check.name not in after.reruns:
            return RunAgain(check=check)
    if facts.turned:
        lines = [f"- **{check.name}**: {_CAUSES[check.fault]}." for check in facts.turned]
        return TellRed(text="\n".join(lines), offers_revert=any(check.fault in _OURS for check in facts.turned))
    if not facts.has_checks and facts.age_s < NOTHING_FOR_S:
        return LookLater(after_s=NOTHING_YET_S)
    return Finish()


def after_to(after: After) -> dict[str, Any]:
    """As JSON."""
    return {**asdict(after), "reruns": list(after.reruns)}


def after_from(data: Mapping[str, Any] | None) -> After:
    if data is None:
        return After()
    return After(since=data.get("since"), reruns=tuple(data.get("reruns", ())), asked=data.get("asked"))
