"""Which agents a phase may call upon."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from adw.domain.agent import Role
from adw.domain.kinds import Phase

ROLES: Mapping[str, tuple[Role, ...]] = {
    Phase.PLAN: (Role.CLASSIFIER, Role.PLANNER),
    Phase.BUILD: (Role.IMPLEMENTOR,),
    Phase.TEST: (Role.RESOLVER,),
    Phase.REVIEW: (Role.REVIEWER, Role.PATCHER),
    Phase.DOCUMENT: (Role.DOCUMENTER,),
    Phase.RESPOND: (Role.IMPLEMENTOR, Role.RESOLVER),
    Phase.SHIP: (),
    Phase.FINISH: (),
}


def roles_of(phases: Sequence[str], *, with_prompt: Collection[str] = ()) -> tuple[Role, ...]:
    """The roles of these phases in order; those `with_prompt` are a project's own, done by a specialist."""
    found = [role for phase in phases for role in ROLES.get(phase, (Role.SPECIALIST,) * (phase in with_prompt))]
    return tuple(dict.fromkeys(found))
