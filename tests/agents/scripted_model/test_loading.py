from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from adw.agents.scripted_model import Scenario, built_in_names, load_scenario, parse_scenario
from adw.agents.scripted_model.scenario import Block, Fault, Reply, Rule, UsageOverride, When
from adw.kit.errors import ConfigurationError, NotFoundError

ALL_FAULTS = get_args(Fault)
SAY = {"blocks": [{"text": "yes"}]}


def refusal(rule: dict, **more) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse_scenario(json.dumps({"rules": [rule]} | more), origin="s.json")
    return caught.value


@pytest.mark.parametrize(
    ("rule", "place", "suggestion"),
    [
        ({"name": "a", "wen": {}, "reply": SAY}, "rule 'a': wen", "'when'"),
        ({"name": "a", "when": {"rol": "x"}, "reply": SAY}, "rule 'a': when.rol", "'role'"),
        ({"name": "a", "reply": SAY | {"fault_": 1}}, "rule 'a': reply.fault_", "'fault'"),
        ({"name": "a", "reply": SAY | {"usage": {"tokens_in": 1}}}, "rule 'a': reply.usage.tokens_in", "input_tokens"),
        ({"name": "a", "reply": {"blocks": [{"txt": "x"}]}}, "rule 'a': reply.blocks.0.txt", "'text'"),
        ({"name": "a", "steps": [SAY | {"delay": 1}]}, "rule 'a': steps.0.delay", "'delay_ms'"),
        (
            {"name": "a", "reply": {"blocks": [{"tool": {"names": "x"}}]}},
            "rule 'a': reply.blocks.0.tool.names",
            "'name'",
        ),
    ],
)
def test_a_misspelt_key_is_refused_with_its_place_and_the_nearest_right_one(rule, place, suggestion):
    error = refusal(rule)
    assert f"s.json: {place}" in error.message
    assert suggestion in str(error.hint)


def test_a_misspelt_key_of_the_scenario_itself_is_refused():
    error = refusal({"name": "a", "reply": SAY}, rulez=[])
    assert (error.message, error.hint) == (
        "s.json: rulez: Extra inputs are not permitted",
        "did you mean 'rules'?",
    )


def test_a_key_nothing_resembles_lists_the_known_ones():
    assert str(refusal({"name": "a", "reply": SAY, "qqq": 1}).hint).startswith("known keys: name, when")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"reply": SAY}, "rule number 1: name: Field required"),
        ({"name": "a"}, "either reply or steps"),
        ({"name": "a", "reply": SAY, "steps": [SAY]}, "either reply or steps"),
        ({"name": "a", "when": {"step": 1}, "steps": [SAY]}, "leave when.step out"),
        ({"name": "a", "reply": {}}, "needs blocks or a fault"),
        ({"name": "a", "reply": {"blocks": [{"text": "x", "thinking": "y"}]}}, "exactly one of"),
        ({"name": "a", "reply": {"blocks": [{}]}}, "exactly one of"),
        ({"name": "a", "when": {"prompt": "("}, "reply": SAY}, "when.prompt: not a regular expression"),
        ({"name": "a", "when": {"step": "x"}, "reply": SAY}, "when.step: 'x' is not a number"),
        ({"name": "a", "reply": {"fault": 418}}, "reply.fault: Input should be 400"),
        ({"name": "a", "reply": {"blocks": [{"text": "${plan}"}]}}, "${plan} is neither built in"),
        ({"name": "a", "reply": SAY | {"delay_ms": -1}}, "reply.delay_ms"),
    ],
)
def test_what_cannot_be_used_is_refused_by_rule_and_reason(rule, words):
    message = refusal(rule).message
    assert words in message
    assert "rule 'a'" in message or "rule number 1" in message


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match="two rules are called 'a'"):
        parse_scenario(json.dumps({"rules": [{"name": "a", "reply": SAY}] * 2}), origin="s.json")


def test_a_default_may_use_built_in_names_only():
    assert "${plan}" in refusal({"name": "a", "reply": SAY}, default={"blocks": [{"text": "${plan}"}]}).message


@pytest.mark.parametrize("origin", ["s.toml", "s.json"])
def test_broken_syntax_names_the_file(origin):
    with pytest.raises(ConfigurationError, match=origin):
        parse_scenario("{ nope", origin=origin)


def test_toml_and_json_files_are_read(tmp_path):
    toml, as_json = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('name = "x"\n[[rules]]\nname = "a"\nreply.blocks = [{ text = "yes" }]\n')
    as_json.write_text(json.dumps({"name": "x", "rules": [{"name": "a", "reply": SAY}]}))
    assert load_scenario(toml) == load_scenario(str(as_json))


def test_a_missing_file_and_an_unknown_name_are_not_found(tmp_path):
    with pytest.raises(NotFoundError, match="no such scenario file"):
        load_scenario(tmp_path / "none.toml")
    with pytest.raises(NotFoundError, match="'none'") as caught:
        load_scenario("none")
    assert "demo" in str(caught.value.hint)


def test_an_unreadable_file_is_refused(tmp_path):
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_scenario(folder)


def test_every_built_in_scenario_loads():
    assert "demo" in built_in_names()
    assert all(load_scenario(name).rules for name in built_in_names())


def test_the_documented_example_loads():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "scenario.md").read_text()
    example = page.split("```toml\n")[1].split("```")[0]
    assert [rule.name for rule in parse_scenario(example, origin="scenario.md").rules][-1] == "build"


def test_every_key_of_a_scenario_is_documented():
    page = (Path(__file__).parents[3] / "docs" / "reference" / "scenario.md").read_text()
    models = (Scenario, Rule, When, Reply, Block, UsageOverride)
    names = {name for model in models for name in model.model_fields} | {str(fault) for fault in ALL_FAULTS}
    assert sorted(name for name in names if re.search(rf"\b{name}\b", page) is None) == []
