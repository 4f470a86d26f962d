from __future__ import annotations

import pytest

from adw.domain.config import parse_config
from adw.domain.defined import LISTABLE, problems_of
from adw.domain.kinds import ALIASES, KINDS, Phase, phases_of
from adw.kit.errors import ConfigurationError


@pytest.mark.parametrize("kind", [*KINDS, *ALIASES, "plan_build", "SDLC".lower()])
def test_a_built_in_kind_cannot_be_redefined(kind):
    (problem,) = problems_of({kind: ["plan"]}, own_phases=[])
    assert problem.startswith(f"workflows.{kind}: this kind is built in")


@pytest.mark.parametrize("phase", Phase)
def test_a_built_in_phase_cannot_be_redefined(phase):
    (problem,) = problems_of({}, own_phases=[phase.value])
    assert problem.startswith(f"phases.{phase}: this phase is built in")


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        (["plan", "tidy", "plan"], '"plan" is named twice'),
        (["tidy", "plan"], "`plan` names the work and comes first"),
        (["plan", "ship", "tidy"], "`ship` ends the work and comes last"),
        (["plan", "tdiy"], 'there is no phase "tdiy"; did you mean `tidy`?'),
        (["plan", "finish"], 'there is no phase "finish"'),
    ],
)
def test_phases_that_make_no_sense_are_told(phases, said):
    assert any(said in problem for problem in problems_of({"w": phases}, own_phases=["tidy"]))


def test_two_spellings_of_one_kind_are_one_too_many():
    (problem,) = problems_of({"tidy-up": ["tidy"], "tidy_up": ["tidy"]}, own_phases=["tidy"])
    assert "workflows.tidy-up" in problem


def test_everything_a_kind_may_name_can_be_named():
    assert list(problems_of({"whole": [*LISTABLE[:-1], "tidy", "ship"]}, own_phases=["tidy"])) == []


def test_all_problems_of_a_file_are_told_at_once():
    text = """
[workflows.sdlc]
phases = ["plan"]
[workflows.docs]
phases = ["plan", "lint"]
[phases.test]
command = "true"
[phases.off]
command = "true"
"""
    with pytest.raises(ConfigurationError) as refused:
        parse_config(text, source="adw.toml")
    assert refused.value.message.startswith("adw.toml has 3 problems")


@pytest.mark.parametrize("table", ["prompt = '../x.md'", "prompt = '/x.md'", "command = false"])
def test_a_phase_that_leads_nowhere_is_refused(table):
    with pytest.raises(ConfigurationError):
        parse_config(f"[phases.p]\n{table}", source="adw.toml")


def test_the_kinds_of_a_file_are_resolved_like_built_in_ones():
    config = parse_config('[workflows.tidy_up]\nphases = ["tidy"]\n[phases.tidy]\ncommand = "true"', source="adw.toml")
    assert phases_of("Tidy-Up", defined=config.kinds) == ("tidy", "finish")
