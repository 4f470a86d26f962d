from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from typing import Annotated, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from adw.domain.agent import ModelSet, Role
from adw.domain.config import CommandEntry, ProjectConfig, parse_config
from adw.domain.testing import ReportFormat
from adw.kit.errors import ConfigurationError

EVERYTHING = """
[project]
base = "main"
forge = "local"
max_concurrent = 3
max_open_pull_requests = 5

[commands]
setup = "make install"
build = { run = "make", timeout_s = 60 }
lint = false
test = { run = "make test", junit = "build/*.xml", cwd = "backend" }
e2e = { run = "prove", format = "tap", rerun = "prove {id}", enabled = true }
run = "make serve"

[env]
copy = [".env.test", "config/*.local"]
set = { APP_ENV = "test" }

[agents]
model_set = "heavy"
runtime = "claude"
max_turns = 50
timeout_s = 900
questions = true
ask_before = ["Bash(npm publish *)", "WebFetch"]
wait_for_limit = false
fallback = ["some-other-model"]
fallback_on = ["overloaded", "limit"]

[agents.models]
planner = "some-model"

[agents.prices."some-model"]
input_usd = 0.1
output_usd = 3
cache_write_usd = 0.125
cache_read_usd = 0.01

[stuck]
silence_s = 300
stream_s = 60
same_calls = 4
same_cycles = 3
rounds = 2
silence = { nudges = 2 }
stream = { restarts = 0 }
repetition = { nudges = 0, restarts = 2, tree = "keep" }

[budget]
workflow_usd = 5
month_usd = 199.99

[gates]
plan_approval = true
ship_approval = true
required_checks = ["ci / test"]
max_review_rounds = 2
allow_unverified_merge = true

[triggers]
labels = { "adw" = "sdlc" }
comments = false
cooldown_s = 60
poll_s = 120
starts_per_day = 3
zte = true
schedules = [{ cron = "0 3 * * 1", prompt = "Update the dependencies", workflow = "sdlc", zone = "Europe/Berlin" }]

[triggers.authors]
trusted = ["OWNER"]
restricted = ["CONTRIBUTOR"]
blocked = ["someone"]

[feedback]
checks = true
reviews = true
comments = true
base = false
commits = true
bots = ["some-reviewer[bot]"]
max_rounds = 6
max_rounds_per_cause = 2
max_reruns = 1

[sandbox]
mode = "bubblewrap"
network = "open"
extra_paths = ["/opt/sdk"]

[summaries]
phases = true
model = "small"

[workflows.translated]
phases = ["plan", "build", "translate", "test"]

[phases.translate]
prompt = ".adw/prompts/translate.md"

[phases.generate]
command = "make generate"
"""


def _tables(table: type[BaseModel]) -> list[type[BaseModel]]:
    found = [table]
    for field in table.model_fields.values():
        found += [inner for nested in _nested(field.annotation) for inner in _tables(nested)]
    return found


def _nested(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in cast("tuple[Any, ...]", getattr(annotation, "__args__", ())) for found in _nested(inner)]


_TABLES = list(dict.fromkeys(_tables(ProjectConfig)[1:]))


def parse(text: str) -> ProjectConfig:
    return parse_config(text, source="adw.toml")


def problems(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return caught.value.message


def test_an_empty_file_means_all_defaults():
    config = parse("")
    assert config == ProjectConfig()
    assert (config.gates.max_review_rounds, config.triggers.zte, config.commands.test) == (3, False, None)


def test_every_key_can_be_set():
    config = parse(EVERYTHING)
    assert config.project.base == "main"
    assert config.agents.model_set is ModelSet.HEAVY
    assert config.agents.models == {Role.PLANNER: "some-model"}
    assert config.env.copy_files == (".env.test", "config/*.local")
    assert config.env.set == {"APP_ENV": "test"}
    assert config.budget.month_usd == Decimal("199.99")
    assert config.workflows["translated"].phases == ("plan", "build", "translate", "test")
    assert config.triggers.schedules[0].cron == "0 3 * * 1"
    assert (config.feedback.rules.max_rounds, config.feedback.rules.base) == (6, False)
    keys = {field.alias or name for table in _TABLES for name, field in table.model_fields.items()}
    assert not {key for key in keys if not re.search(rf"\b{key}\b", EVERYTHING)}


def test_a_command_is_a_line_or_a_table_or_false():
    commands = parse(EVERYTHING).commands
    assert commands.setup == CommandEntry(run="make install")
    assert (commands.build and commands.build.timeout_s) == 60.0
    assert commands.lint is not None
    assert not commands.lint.enabled


@pytest.mark.parametrize(
    ("entry", "report_format"),
    [
        ('"make test"', ReportFormat.EXIT_CODE),
        ('"pytest --junitxml={report}"', ReportFormat.JUNIT),
        ('{ run = "x", junit = "a.xml" }', ReportFormat.JUNIT),
        ('{ run = "x", format = "tap" }', ReportFormat.TAP),
        ('{ run = "x", junit = "a.json", format = "jest_json" }', ReportFormat.JEST_JSON),
        ('{ run = "x", format = "exit_code" }', ReportFormat.EXIT_CODE),
    ],
)
def test_the_format_of_a_result_is_fixed_before_the_run(entry: str, report_format: ReportFormat):
    test = parse(f"[commands]\ntest = {entry}").commands.test
    assert test is not None
    assert test.report_format is report_format


def test_money_is_exact():
    price = parse("[agents.prices.m]\ninput_usd = 0.1\noutput_usd = 3").agents.prices["m"].price
    assert price.input_usd == Decimal("0.1")
    assert (price.cache_write_usd, price.cache_read_usd) == (Decimal("0.125"), Decimal("0.01"))


def test_cache_prices_can_be_given():
    text = "[agents.prices.m]\ninput_usd = 1\noutput_usd = 2\ncache_write_usd = 0\ncache_read_usd = 0.5"
    price = parse(text).agents.prices["m"].price
    assert (price.cache_write_usd, price.cache_read_usd) == (Decimal(0), Decimal("0.5"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[projects]\nbase = 'x'", "projects: unknown key; did you mean `project`?"),
        ("[commands]\ntset = 'x'", "commands.tset: unknown key; did you mean `test`?"),
        ("[commands]\ntest = { rnu = 'x' }", "commands.test.rnu: unknown key; did you mean `run`?"),
        ("[env]\ncopee = []", "env.copee: unknown key; did you mean `copy`?"),
        ("[agents.prices.m]\ninputt_usd = 1", "agents.prices.m.inputt_usd: unknown key; did you mean `input_usd`?"),
        ("[[triggers.schedules]]\ncorn = 'x'", "triggers.schedules[0].corn: unknown key; did you mean `cron`?"),
        ("[budget]\nzzz = 1", "budget.zzz: unknown key; known: workflow_usd, month_usd"),
        ("[project]\nbase = 3", 'project.base: must be a string (example: base = "main")'),
        ("[project]\nforge = 'gitlab'", "project.forge: must be 'github' or 'local'"),
        ("[commands]\nbuild = 3", "commands.build: must be a string, a table or false"),
        ("[commands]\nbuild = ''", "commands.build: `run` is missing or empty"),
        ("[commands]\ntest = { run = 'x', format = 'junit' }", "the report's place is missing"),
        (
            "[commands]\ntest = { run = 'x', junit = 'a', format = 'tap' }",
            '`junit` names a report, but `format` is "tap"',
        ),
        ("[commands]\ntest = { run = 'x', cwd = '../up' }", "must be a path inside the repository"),
        ("[commands]\ntest = { run = 'x', junit = '/etc/a.xml' }", "must be a path inside the repository"),
        ("[commands]\ntest = { run = 'x', timeout_s = 0 }", "must be greater than 0"),
        ("[commands]\ntest = { run = 'x', timeout_s = inf }", "commands.test.timeout_s: must be a finite number"),
        ("[agents]\nmax_turns = '7'", "agents.max_turns: must be a whole number"),
        ("[agents]\nmax_turns = true", "agents.max_turns: must be a whole number"),
        ("[agents.models]\nplaner = 'x'", "agents.models.planer: must be 'classifier', 'planner'"),
        ("[budget]\nworkflow_usd = -1", "must be greater than or equal to 0"),
        ("[budget]\nworkflow_usd = 'a lot'", "budget.workflow_usd: must be a number"),
        ("[gates]\nplan_approval = 1", "gates.plan_approval: must be true or false"),
        ("[gates]\nrequired_checks = 'x'", "gates.required_checks: must be a list"),
        ("[env]\nset = { 'A B' = 'x' }", "env.set.A B: this name has characters that are not allowed"),
        ("[workflows.w]\nphases = []", "workflows.w.phases: must not be empty"),
        ("[workflows.w]\nphases = ['plann']", 'there is no phase "plann"; did you mean `plan`?'),
        ("[workflows.Big]\nphases = ['plan']", "workflows.Big: this name has characters that are not allowed"),
        ("[phases.p]\n", "needs either `prompt` or `command`"),
        ("[phases.p]\nprompt = 'a'\ncommand = 'b'", "needs either `prompt` or `command`"),
        ("project = 'x'", "project: must be a table"),
        ("[project]\nbase = 2020-01-01", "project.base: must be a string"),
        ("x =", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_key_and_reason(text: str, expected: str):
    message = problems(text)
    assert expected in message
    assert "adw.toml" in message


def test_all_problems_are_named_at_once():
    message = problems("[project]\nbase = 3\n[agents]\nmax_turns = 0\n[nope]\n")
    assert message.splitlines()[0] == "adw.toml has 3 problems:"
    assert len(message.splitlines()) == 4


@pytest.mark.parametrize("path", [f"{table.__name__}.{name}" for table in _TABLES for name in table.model_fields])
def test_every_key_shows_an_example_that_works(path: str):
    table_name, _, name = path.partition(".")
    field = next(table for table in _TABLES if table.__name__ == table_name).model_fields[name]
    example = tomllib.loads(field.examples[0])[field.alias or name] if field.examples else {}
    checked: Any = TypeAdapter(Annotated[field.annotation, "a key", *field.metadata])
    checked.validate_json(json.dumps(example), strict=True)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError):
        parse("").project.base = "other"  # type: ignore[misc]


@given(st.text(max_size=60))
def test_any_text_is_either_understood_or_refused_in_words(text: str):
    try:
        parse(text)
    except ConfigurationError as error:
        said = error.message
    else:
        said = "adw.toml"
    assert said.startswith("adw.toml")
