"""Kinds of workflow: which phases run, in order. A kind is data.

Every kind ends by saying what was verified: `ship` does so where it is part of the kind, `finish` everywhere else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adw.kit.errors import UsageError


class Phase(StrEnum):
    """The built-in phases, in the order in which a kind runs those it has."""

    PLAN = "plan"
    BUILD = "build"
    TEST = "test"
    REVIEW = "review"
    DOCUMENT = "document"
    RESPOND = "respond"
    """A round on the open pull request. It is part of no kind; each round adds it where it is missing."""
    SHIP = "ship"
    FINISH = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseWords:
    """How the workflow's phase column reads while a phase runs and once it has succeeded."""

    running: str
    done: str


PHASE_WORDS: dict[str, PhaseWords] = {
    Phase.PLAN: PhaseWords(running="planning", done="planned"),
    Phase.BUILD: PhaseWords(running="building", done="built"),
    Phase.TEST: PhaseWords(running="testing", done="tested"),
    Phase.REVIEW: PhaseWords(running="reviewing", done="reviewed"),
    Phase.DOCUMENT: PhaseWords(running="documenting", done="documented"),
    Phase.RESPOND: PhaseWords(running="responding", done="responded"),
    Phase.SHIP: PhaseWords(running="shipping", done="shipped"),
}

_ALL = (Phase.PLAN, Phase.BUILD, Phase.TEST, Phase.REVIEW, Phase.DOCUMENT, Phase.SHIP)

KINDS: dict[str, tuple[str, ...]] = {
    "plan": (Phase.PLAN, Phase.FINISH),
    "build": (Phase.BUILD, Phase.FINISH),
    "test": (Phase.TEST, Phase.FINISH),
    "review": (Phase.REVIEW, Phase.FINISH),
    "document": (Phase.DOCUMENT, Phase.FINISH),
    "ship": (Phase.SHIP,),
    "plan-build": (Phase.PLAN, Phase.BUILD, Phase.FINISH),
    "plan-build-test": (Phase.PLAN, Phase.BUILD, Phase.TEST, Phase.FINISH),
    "plan-build-review": (Phase.PLAN, Phase.BUILD, Phase.REVIEW, Phase.FINISH),
    "plan-build-document": (Phase.PLAN, Phase.BUILD, Phase.DOCUMENT, Phase.FINISH),
    "plan-build-test-review": (Phase.PLAN, Phase.BUILD, Phase.TEST, Phase.REVIEW, Phase.FINISH),
    "sdlc": _ALL,
    "zte": _ALL,
    "patch": (Phase.PLAN, Phase.BUILD, Phase.TEST, Phase.FINISH),
}

ALIASES: dict[str, str] = {"sdlc-zte": "zte"}

MERGING = frozenset({"zte"})
"""Kinds whose `ship` merges; all others end with a pull request for a person."""

SHORT_PLANS = frozenset({"patch"})
"""Kinds for small changes: their plan is a page at most."""

ON_EARLIER_WORK = frozenset({"build", "test", "review", "document", "ship"})
"""Kinds of a single phase that need work to be done on."""

VERIFYING: frozenset[str] = frozenset({Phase.TEST, Phase.REVIEW})
"""Phases whose green gates let the pull request be marked ready."""


def check_earlier(kind: str, *, on: str | None) -> None:
    """Raises UsageError unless earlier work is named (`on`) exactly for the kinds that are done on some."""
    canonical = canonical_kind(kind)
    if on is None:
        if canonical in ON_EARLIER_WORK:
            raise UsageError(
                f"`{canonical}` alone is done on earlier work, and none is named",
                hint=f"add `--on` with a workflow's id, a branch or a pull request: `adw run -w {canonical} --on ID`",
            )
        return
    if canonical not in ON_EARLIER_WORK:
        raise UsageError(
            f"`--on` goes with a single phase, and `{canonical}` starts work of its own",
            hint=f"leave `--on` out, or choose one of {', '.join(sorted(ON_EARLIER_WORK))}",
        )
    if not on.strip() or any(char in on for char in "\0\n\r"):
        raise UsageError("`--on` names nothing", hint="give a workflow's id, a branch or a pull request's number")


def with_phase(phases: Sequence[str], added: str) -> tuple[str, ...]:
    """The phases with one more, in canonical order and before the end; `ship` takes the place of `finish`."""
    if added in phases:
        return tuple(phases)
    if added == Phase.SHIP:
        return (*(phase for phase in phases if phase != Phase.FINISH), added)
    order = [str(phase) for phase in Phase]
    later = [index for index, phase in enumerate(phases) if phase in order and order.index(phase) > order.index(added)]
    place = later[0] if later else len(phases)
    return (*phases[:place], added, *phases[place:])


def phase_words(name: str) -> PhaseWords:
    """Of a built-in phase its own words, of any other `running:<name>` and `done:<name>`."""
    return PHASE_WORDS.get(name) or PhaseWords(running=f"running:{name}", done=f"done:{name}")


def normalise_kind(name: str, *, defined: Iterable[str] = ()) -> str:
    """The kind's canonical name; underscores count as hyphens.

    `defined` are the kinds a repository adds. Unknown names are a UsageError with a suggestion.
    """
    canonical = canonical_kind(name)
    known = {**KINDS, **{canonical_kind(each): () for each in defined}}
    if canonical in known:
        return canonical
    near = difflib.get_close_matches(canonical, known, n=1)
    suggestion = f"did you mean `{near[0]}`? " if near else ""
    raise UsageError(f"unknown workflow kind {name!r}", hint=f"{suggestion}known kinds: {', '.join(known)}")


def canonical_kind(name: str) -> str:
    """The name as it is compared and kept."""
    plain = name.strip().lower().replace("_", "-")
    return ALIASES.get(plain, plain)


def phases_of(kind: str, *, defined: Mapping[str, Sequence[str]] | None = None) -> tuple[str, ...]:
    """The phases of a kind, in order. Those of a kind a repository defines end with `finish` unless they ship."""
    own = {canonical_kind(name): phases for name, phases in (defined or {}).items()}
    canonical = normalise_kind(kind, defined=own)
    if canonical not in own:
        return KINDS[canonical]
    phases = tuple(own[canonical])
    return phases if Phase.SHIP in phases else (*phases, Phase.FINISH)
