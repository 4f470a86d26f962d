from __future__ import annotations

from adw.domain.agent import Role
from adw.domain.kinds import KINDS, Phase
from adw.domain.roles import ROLES, roles_of


def test_every_built_in_phase_says_whom_it_calls_upon():
    assert set(ROLES) == set(Phase)
    assert {role for roles in ROLES.values() for role in roles} == set(Role) - {Role.SPECIALIST}


def test_a_projects_own_prompt_calls_upon_a_specialist_and_its_command_upon_nobody():
    assert roles_of(("plan", "tidy", "finish"), with_prompt=["tidy"])[-1] is Role.SPECIALIST
    assert roles_of(("tidy", "finish")) == ()
    assert roles_of(KINDS["sdlc"]) == tuple(role for role in Role if role is not Role.SPECIALIST)
