"""Kinds of workflow: which phases run, in order. A kind is data; every kind ends with `finish`."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from adw.kit.errors import UsageError


class Phase(StrEnum):
    """The built-in phases."""

    PLAN = "plan"
    BUILD = "build"
    TEST = "test"
    FINISH = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseWords:
    """How the workflow's phase column reads while a phase runs and once it has succeeded."""

    running: str
    done: str


PHASE_WORDS: dict[Phase, PhaseWords] = {
    Phase.PLAN: PhaseWords(running="planning", done="planned"),
    Phase.BUILD: PhaseWords(running="building", done="built"),
    Phase.TEST: PhaseWords(running="testing", done="tested"),
    Phase.FINISH: PhaseWords(running="running:finish", done="done:finish"),
}

KINDS: dict[str, tuple[Phase, ...]] = {
    "plan": (Phase.PLAN, Phase.FINISH),
    "plan-build": (Phase.PLAN, Phase.BUILD, Phase.FINISH),
    "plan-build-test": (Phase.PLAN, Phase.BUILD, Phase.TEST, Phase.FINISH),
}

VERIFYING = frozenset({Phase.TEST})
"""Phases whose green gates let `finish` mark the pull request ready."""


def normalise_kind(name: str) -> str:
    """The kind's canonical name; underscores count as hyphens. Unknown names are a UsageError with a suggestion."""
    canonical = name.strip().lower().replace("_", "-")
    if canonical in KINDS:
        return canonical
    near = difflib.get_close_matches(canonical, KINDS, n=1)
    suggestion = f"did you mean `{near[0]}`? " if near else ""
    raise UsageError(f"unknown workflow kind {name!r}", hint=f"{suggestion}known kinds: {', '.join(KINDS)}")


def phases_of(kind: str) -> tuple[Phase, ...]:
    return KINDS[normalise_kind(kind)]
