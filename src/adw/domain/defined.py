"""What a repository may define for itself: kinds and phases that add to the built-in ones and never replace them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from adw.domain.config_problems import suggestion
from adw.domain.kinds import ALIASES, KINDS, Phase, canonical_kind

LISTABLE = tuple(phase.value for phase in Phase if phase not in {Phase.FINISH, Phase.RESPOND})
"""Built-in phases a kind may name; `finish` is added where nothing ships, `respond` when something needs an answer."""


def problems_of(kinds: Mapping[str, Sequence[str]], *, own_phases: Sequence[str]) -> Iterator[str]:
    """One line for each thing wrong with the kinds and phases that a repository defines."""
    for name in own_phases:
        if name in set(Phase):
            yield f"phases.{name}: this phase is built in and cannot be redefined; choose another name"
    first: dict[str, str] = {}
    for kind, phases in kinds.items():
        canonical = canonical_kind(kind)
        if canonical in KINDS or kind in ALIASES:
            yield f"workflows.{kind}: this kind is built in and cannot be redefined; choose another name"
        elif first.setdefault(canonical, kind) != kind:
            yield f"workflows.{kind}: this is the same kind as workflows.{first[canonical]}; keep one of them"
        yield from _problems_of_kind(kind, phases, known=[*LISTABLE, *own_phases])


def _problems_of_kind(kind: str, phases: Sequence[str], *, known: Sequence[str]) -> Iterator[str]:
    key = f"workflows.{kind}.phases"
    yield from (
        f'{key}: there is no phase "{phase}"{suggestion(phase, known)}' for phase in phases if phase not in known
    )
    yield from (f'{key}: "{phase}" is named twice' for phase in dict.fromkeys(phases) if phases.count(phase) > 1)
    if Phase.PLAN in phases[1:]:
        yield f"{key}: `plan` names the work and comes first"
    if Phase.SHIP in phases[:-1]:
        yield f"{key}: `ship` ends the work and comes last"
