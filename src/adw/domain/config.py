"""The project's own settings: `adw.toml` at the root of its repository.

Everything is optional. What cannot be understood is refused, all problems at once, each with its key, the reason
and an example.
"""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from typing import Annotated, Literal, Self, cast

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from adw.domain.agent import AgentLimits, ModelSet, Role, RuntimeName
from adw.domain.config_problems import describe, refusal
from adw.domain.config_summaries import SummariesTable
from adw.domain.config_table import Table
from adw.domain.config_tools import AskBefore
from adw.domain.defined import problems_of
from adw.domain.failover import USUAL_REASONS, FallbackReason
from adw.domain.feedback import FeedbackRules
from adw.domain.schedule import Plan, check_cron
from adw.domain.stuck import StuckKind, StuckLimits, StuckPolicy, TreeRule
from adw.domain.testing import ReportFormat
from adw.domain.usage import Price
from adw.kit.errors import ConfigurationError, UsageError

CONFIG_FILE = "adw.toml"
DEFAULT_TIMEOUT_S = 1800.0

_FORMATS_IN_FILES = (
    ReportFormat.JUNIT,
    ReportFormat.JEST_JSON,
    ReportFormat.MAVEN,
    ReportFormat.GRADLE,
    ReportFormat.CARGO,
)
_CACHE_WRITE_FACTOR = Decimal("1.25")
_CACHE_READ_FACTOR = Decimal("0.1")

Text = Annotated[str, StringConstraints(min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
SandboxMode = Literal["auto", "bubblewrap", "off"]


def _path_inside(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        raise ValueError("must be a path inside the repository")
    return value


class ProjectTable(Table):
    """`[project]`: where the repository lives and what its work starts from."""

    base: Text | None = Field(default=None, examples=['base = "main"'])
    forge: Literal["github", "local"] | None = Field(default=None, examples=['forge = "github"'])
    max_concurrent: int | None = Field(default=None, ge=1, le=1000, examples=["max_concurrent = 3"])
    max_open_pull_requests: int | None = Field(default=None, ge=1, le=1000, examples=["max_open_pull_requests = 5"])


class CommandEntry(Table):
    """One command: a shell line, or a table that also says how its result is read. `false` means there is none."""

    run: str = Field(default="", examples=['run = "make test"'])
    enabled: bool = Field(default=True, examples=["enabled = false"])
    junit: Text | None = Field(default=None, examples=['junit = "build/reports/*.xml"'])
    format: ReportFormat | None = Field(default=None, examples=['format = "junit"'])
    timeout_s: Seconds = Field(default=DEFAULT_TIMEOUT_S, examples=["timeout_s = 600"])
    cwd: Text = Field(default=".", examples=['cwd = "backend"'])
    rerun: Text | None = Field(default=None, examples=['rerun = "pytest {id}"'])

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.enabled and not self.run.strip():
            raise ValueError("`run` is missing or empty")
        if self.format in {ReportFormat.JUNIT, ReportFormat.JEST_JSON} and not (self.junit or "{report}" in self.run):
            raise ValueError("the report's place is missing: set `junit`, or use `{report}` in `run`")
        if self.junit and self.format not in {None, *_FORMATS_IN_FILES}:
            raise ValueError(f'`junit` names a report, but `format` is "{self.format}"')
        return self

    @field_validator("cwd", "junit")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        return None if value is None else _path_inside(value)

    @property
    def report_format(self) -> ReportFormat:
        """The format of the result, fixed before the run."""
        if self.format is not None:
            return self.format
        return ReportFormat.JUNIT if self.junit or "{report}" in self.run else ReportFormat.EXIT_CODE


def _expand_command(value: object) -> object:
    """Turns the short forms `"make test"` and `false` into the table they stand for."""
    if isinstance(value, str):
        return {"run": value}
    if value is False:
        return {"enabled": False}
    if value is not None and not isinstance(value, dict | CommandEntry):
        raise ValueError("must be a string, a table or false")
    return cast("object", value)


CommandSlot = Annotated[CommandEntry | None, BeforeValidator(_expand_command)]


class CommandsConfig(Table):
    """`[commands]`: what the project can be asked to do; what is absent is detected from its files."""

    setup: CommandSlot = Field(default=None, examples=['setup = "make install"'])
    build: CommandSlot = Field(default=None, examples=['build = "npm run build"'])
    lint: CommandSlot = Field(default=None, examples=['lint = "ruff check ."'])
    test: CommandSlot = Field(default=None, examples=['test = { run = "make test", junit = "build/*.xml" }'])
    e2e: CommandSlot = Field(default=None, examples=['e2e = "npx playwright test"'])
    run: CommandSlot = Field(default=None, examples=['run = "npm start"'])


class EnvTable(Table):
    """`[env]`: files copied from the checkout into each workspace, and variables set for commands and agents."""

    copy_files: tuple[Text, ...] = Field(default=(), alias="copy", examples=['copy = [".env.test", "config/*.local"]'])
    set: dict[Variable, str] = Field(default_factory=dict, examples=['set = { APP_ENV = "test" }'])


class PriceEntry(Table):
    """`[agents.prices."model"]`: US dollars per million tokens."""

    input_usd: Dollars = Field(examples=["input_usd = 3.00"])
    output_usd: Dollars = Field(examples=["output_usd = 15.00"])
    cache_write_usd: Dollars | None = Field(default=None, examples=["cache_write_usd = 3.75"])
    cache_read_usd: Dollars | None = Field(default=None, examples=["cache_read_usd = 0.30"])

    @property
    def price(self) -> Price:
        """As a price; cache prices default to their usual relation to the input price."""
        write, read = self.cache_write_usd, self.cache_read_usd
        return Price(
            input_usd=self.input_usd,
            output_usd=self.output_usd,
            cache_write_usd=self.input_usd * _CACHE_WRITE_FACTOR if write is None else write,
            cache_read_usd=self.input_usd * _CACHE_READ_FACTOR if read is None else read,
        )


class AgentsTable(Table):
    """`[agents]`: who does the work, and how long they may take."""

    model_set: ModelSet | None = Field(default=None, examples=['model_set = "base"'])
    runtime: RuntimeName | None = Field(default=None, examples=['runtime = "claude"'])
    max_turns: int | None = Field(default=None, gt=0, examples=["max_turns = 200"])
    timeout_s: Seconds | None = Field(default=None, examples=["timeout_s = 3600"])
    models: dict[Role, Text] = Field(default_factory=dict[Role, str], examples=['models = { planner = "model-id" }'])
    prices: dict[Text, PriceEntry] = Field(
        default_factory=dict, examples=['prices = { "model-id" = { input_usd = 3.0, output_usd = 15.0 } }']
    )
    questions: bool = Field(default=False, examples=["questions = true"])
    ask_before: AskBefore = Field(default=(), examples=['ask_before = ["Bash(npm publish *)", "Write(migrations/*)"]'])
    wait_for_limit: bool = Field(default=True, examples=["wait_for_limit = true"])
    fallback: tuple[Text, ...] = Field(default=(), examples=['fallback = ["model-id"]'])
    fallback_on: tuple[FallbackReason, ...] = Field(
        default=USUAL_REASONS, examples=['fallback_on = ["overloaded", "unavailable", "limit"]']
    )


class StuckEntry(Table):
    """`[stuck.<kind>]`: how often what is done about it, and what a new conversation finds in the workspace."""

    nudges: int = Field(default=1, ge=0, le=10, examples=["nudges = 1"])
    restarts: int = Field(default=1, ge=0, le=10, examples=["restarts = 1"])
    tree: TreeRule = Field(default=TreeRule.KEEP, examples=['tree = "keep"'])

    @property
    def policy(self) -> StuckPolicy:
        return StuckPolicy(nudges=self.nudges, restarts=self.restarts, tree=self.tree)


class StuckTable(Table):
    """`[stuck]`: when an agent counts as stuck, and what is done about each kind of it before its phase fails."""

    silence_s: Seconds = Field(default=AgentLimits().idle_timeout_s, examples=["silence_s = 600"])
    stream_s: Seconds = Field(default=300.0, examples=["stream_s = 300"])
    same_calls: int = Field(default=5, ge=2, le=1000, examples=["same_calls = 5"])
    same_cycles: int = Field(default=4, ge=2, le=1000, examples=["same_cycles = 4"])
    rounds: int = Field(default=1, ge=1, le=20, examples=["rounds = 1"])
    silence: StuckEntry = Field(default=StuckEntry(), examples=["silence = { nudges = 2 }"])
    stream: StuckEntry = Field(default=StuckEntry(), examples=["stream = { nudges = 2 }"])
    repetition: StuckEntry = Field(
        default=StuckEntry(tree=TreeRule.RESET), examples=['repetition = { restarts = 0, tree = "reset" }']
    )

    @property
    def limits(self) -> StuckLimits:
        return StuckLimits(stream_s=self.stream_s, same_calls=self.same_calls, same_cycles=self.same_cycles)

    def policy(self, kind: StuckKind) -> StuckPolicy:
        """What is done about it. Rounds that repair nothing are only ever stopped: each is a new conversation."""
        match kind:
            case StuckKind.SILENCE:
                return self.silence.policy
            case StuckKind.STREAM:
                return self.stream.policy
            case StuckKind.REPETITION:
                return self.repetition.policy
            case StuckKind.ROUNDS:
                return StuckPolicy(nudges=0, restarts=0, tree=TreeRule.KEEP)


class BudgetTable(Table):
    """`[budget]`: US dollars that may be spent; absent means no limit of the project's own."""

    workflow_usd: Dollars | None = Field(default=None, examples=["workflow_usd = 5.00"])
    month_usd: Dollars | None = Field(default=None, examples=["month_usd = 200.00"])


class GatesTable(Table):
    """`[gates]`: what must hold, and who must agree, before work goes on."""

    plan_approval: bool = Field(default=False, examples=["plan_approval = true"])
    ship_approval: bool = Field(default=False, examples=["ship_approval = true"])
    required_checks: tuple[Text, ...] = Field(default=(), examples=['required_checks = ["ci / test"]'])
    max_review_rounds: int = Field(default=3, ge=0, le=20, examples=["max_review_rounds = 3"])
    allow_unverified_merge: bool = Field(default=False, examples=["allow_unverified_merge = false"])


class AuthorsTable(Table):
    """`[triggers.authors]`: trust tiers; entries are logins (`@name` or `name`) or permissions such as `write`.

    A permission means this one or more, in `blocked` this one or less. `OWNER` counts as `admin`, `MEMBER` and
    `COLLABORATOR` as `write`.
    """

    trusted: tuple[Text, ...] = Field(default=(), examples=['trusted = ["maintain", "some-login"]'])
    restricted: tuple[Text, ...] = Field(default=(), examples=['restricted = ["triage"]'])
    blocked: tuple[Text, ...] = Field(default=(), examples=['blocked = ["some-login"]'])


class ScheduleEntry(Table):
    """`[[triggers.schedules]]`: work that starts by the clock."""

    cron: Text = Field(examples=['cron = "0 3 * * 1"'])
    prompt: Text = Field(examples=['prompt = "Update the dependencies"'])
    workflow: Name | None = Field(default=None, examples=['workflow = "sdlc"'])
    zone: Text = Field(default="UTC", examples=['zone = "Europe/Berlin"'])

    @model_validator(mode="after")
    def _comes(self) -> Self:
        try:
            check_cron(self.cron, zone=self.zone)
        except UsageError as error:
            raise ValueError(error.message) from error
        return self

    @property
    def plan(self) -> Plan:
        return Plan(cron=self.cron, prompt=self.prompt, zone=self.zone, workflow=self.workflow)


class TriggersTable(Table):
    """`[triggers]`: what starts work by itself. `labels` maps a label to the kind of workflow it starts."""

    cooldown_s: float | None = Field(default=None, ge=0, allow_inf_nan=False, examples=["cooldown_s = 300"])
    starts_per_day: int = Field(default=5, ge=0, le=1000, examples=["starts_per_day = 5"])
    poll_s: int = Field(default=60, ge=0, le=86_400, examples=["poll_s = 60"])

    labels: dict[Text, Name] = Field(default_factory=dict, examples=['labels = { "adw" = "sdlc" }'])
    comments: bool = Field(default=True, examples=["comments = false"])
    authors: AuthorsTable = Field(default=AuthorsTable(), examples=['authors = { trusted = ["maintain"] }'])
    zte: bool = Field(default=False, examples=["zte = true"])
    schedules: tuple[ScheduleEntry, ...] = Field(
        default=(), examples=['schedules = [{ cron = "0 3 * * 1", prompt = "..." }]']
    )


class FeedbackTable(Table):
    """`[feedback]`: what is done by itself about an open pull request. `bots` are the bot accounts that are heard."""

    checks: bool = Field(default=True, examples=["checks = false"])
    reviews: bool = Field(default=True, examples=["reviews = false"])
    comments: bool = Field(default=True, examples=["comments = false"])
    base: bool = Field(default=True, examples=["base = false"])
    commits: bool = Field(default=True, examples=["commits = false"])
    bots: tuple[Text, ...] = Field(default=(), examples=['bots = ["some-reviewer[bot]"]'])
    max_rounds: int = Field(default=8, ge=0, le=100, examples=["max_rounds = 8"])
    max_rounds_per_cause: int = Field(default=4, ge=0, le=100, examples=["max_rounds_per_cause = 4"])
    max_reruns: int = Field(default=3, ge=0, le=100, examples=["max_reruns = 3"])

    @property
    def rules(self) -> FeedbackRules:
        return FeedbackRules(
            checks=self.checks,
            reviews=self.reviews,
            comments=self.comments,
            base=self.base,
            commits=self.commits,
            max_rounds=self.max_rounds,
            max_rounds_per_cause=self.max_rounds_per_cause,
            max_reruns=self.max_reruns,
        )


class SandboxTable(Table):
    """`[sandbox]`: how far agents and commands are shut in, and who of them may reach the network."""

    mode: SandboxMode = Field(default="auto", examples=['mode = "auto"'])
    network: Literal["setup", "none", "open"] = Field(default="setup", examples=['network = "none"'])
    extra_paths: tuple[Text, ...] = Field(default=(), examples=['extra_paths = ["/srv/sdk", "~/.m2"]'])

    @property
    def setup_network(self) -> Literal["none", "open"]:
        """What the set-up command gets, which has packages to fetch."""
        return "none" if self.network == "none" else "open"


class WorkflowEntry(Table):
    """`[workflows.<kind>]`: a kind of workflow the project defines."""

    phases: tuple[Name, ...] = Field(min_length=1, examples=['phases = ["plan", "build", "test"]'])


class PhaseEntry(Table):
    """`[phases.<name>]`: a phase the project adds, either a prompt file for an agent or a plain command."""

    prompt: Text | None = Field(default=None, examples=['prompt = ".adw/prompts/translate.md"'])
    command: CommandSlot = Field(default=None, examples=['command = "make translations"'])

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.prompt is None) == (self.command is None):
            raise ValueError("needs either `prompt` or `command`")
        if self.command is not None and not self.command.enabled:
            raise ValueError("`command` is switched off; leave the phase out instead")
        return self

    @field_validator("prompt")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        return None if value is None else _path_inside(value)


class ProjectConfig(Table):
    """All of `adw.toml`."""

    project: ProjectTable = ProjectTable()
    commands: CommandsConfig = CommandsConfig()
    env: EnvTable = EnvTable()
    agents: AgentsTable = AgentsTable()
    stuck: StuckTable = StuckTable()
    budget: BudgetTable = BudgetTable()
    gates: GatesTable = GatesTable()
    triggers: TriggersTable = TriggersTable()
    feedback: FeedbackTable = FeedbackTable()
    sandbox: SandboxTable = SandboxTable()
    summaries: SummariesTable = SummariesTable()
    workflows: dict[Name, WorkflowEntry] = Field(default_factory=dict)
    phases: dict[Name, PhaseEntry] = Field(default_factory=dict)

    @property
    def kinds(self) -> dict[str, tuple[str, ...]]:
        """The phases of each kind the project defines."""
        return {name: entry.phases for name, entry in self.workflows.items()}


def parse_config(text: str, *, source: str) -> ProjectConfig:
    """Reads the text of `adw.toml`. `source` names the file in messages.

    Raises `ConfigurationError` naming every problem at once.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source} is not valid TOML: {error}", hint="Strings need double quotes") from error
    try:
        # Through JSON, because pydantic's strict mode there takes lists for tuples and numbers for decimals.
        config = ProjectConfig.model_validate_json(json.dumps(data, default=lambda value: [str(value)]))
    except ValidationError as error:
        raise refusal(source, list(describe(error, root=ProjectConfig))) from error
    if problems := list(problems_of(config.kinds, own_phases=list(config.phases))):
        raise refusal(source, problems)
    return config
