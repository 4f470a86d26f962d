"""The pages that list what the code defines: settings, errors, events, statuses, failures, tables, `adw.toml`."""

# ruff: noqa: INP001 - a module beside the pages it writes

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from remedies import AFTERMATHS, REMEDIES
from sqlalchemy import CheckConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

import adw
from adw.api.live.frames import SERVER_FRAMES
from adw.domain.config import ProjectConfig
from adw.domain.events import EventType
from adw.domain.failure import POLICIES
from adw.domain.kinds import KINDS, PHASE_WORDS
from adw.domain.status import TRANSITIONS, PrState, Status, WaitReason
from adw.kit.errors import AdwError, ExitCode
from adw.kit.variables import VARIABLES, Variable
from adw.store.migrations import HEAD, MIN_COMPATIBLE
from adw.store.tables.catalogue import metadata

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs/reference"
WRITTEN = "Written from the code by `docs/generate.py`; change the code, not this page."
DIALECT = postgresql.dialect()
RUN_ON_IMPORT = "adw.store.migrations."
"""Alembic loads these by itself; they define nothing that is documented here."""

EVENTS: Mapping[EventType, str] = {
    EventType.WORKFLOW_CREATED: "the workflow was accepted: kind, issue and base commit are fixed",
    EventType.WORKFLOW_UPDATED: "a fact about the workflow changed: branch, title, cost, a request by a person",
    EventType.WORKFLOW_QUEUED: "it waits for a free place",
    EventType.WORKFLOW_STARTED: "a worker took it",
    EventType.WORKFLOW_WAITING: "it needs something; the reason says what",
    EventType.WORKFLOW_PAUSED: "a person paused it",
    EventType.WORKFLOW_RESUMED: "it goes on",
    EventType.WORKFLOW_COMPLETED: "all its phases are done",
    EventType.WORKFLOW_FAILED: "it failed; the class and the next actions are in the data",
    EventType.WORKFLOW_CANCELLED: "a person cancelled it",
    EventType.WORKFLOW_RECOVERED: "it goes on after its worker was lost",
    EventType.PHASE_STARTED: "an attempt at a phase began",
    EventType.PHASE_PROGRESS: "something a person may want to know happened inside a phase",
    EventType.PHASE_COMPLETED: "the phase is done and its gates hold",
    EventType.PHASE_FAILED: "the attempt failed; the class is in the data",
    EventType.AGENT_STARTED: "a conversation with an agent began or was taken up again",
    EventType.AGENT_TEXT: "the agent said something",
    EventType.AGENT_THINKING: "the agent thought something",
    EventType.AGENT_TOOL_USE: "the agent used a tool",
    EventType.AGENT_TOOL_RESULT: "what the tool answered",
    EventType.AGENT_FINISHED: "the conversation ended: tokens, cost and duration are in the data",
    EventType.AGENT_STUCK: "facts show that the agent gets nowhere; what is done about it is in the data",
    EventType.GATE_PASSED: "a check of ours found the phase's claim true, for the commit in the data",
    EventType.GATE_FAILED: "a check of ours found it false",
    EventType.APPROVAL_REQUESTED: "a person is asked",
    EventType.APPROVAL_DECIDED: "a person has answered, or the time for it is over",
    EventType.COMMENT_POSTED: "a comment was written on the issue or pull request",
    EventType.PULL_REQUEST_OPENED: "the pull request was opened",
    EventType.PULL_REQUEST_UPDATED: "its text, state or head changed",
    EventType.PULL_REQUEST_MERGED: "it was merged",
    EventType.BUDGET_WARNING: "the money is nearly or quite used up, or a price is unknown",
    EventType.WORKER_LOST: "the worker that had it stopped answering",
    EventType.ERROR: "something went wrong that does not end the workflow",
}

HTTP_CODES = {
    "bad_request": (400, "The request is not valid HTTP with valid JSON in it"),
    "body_too_slow": (408, "The body did not arrive in time"),
    "body_too_large": (413, "The body is larger than allowed"),
    "foreign_origin": (403, "The request comes from a page of another site"),
    "method_not_allowed": (405, "The route does not know this method"),
    "idempotency_in_progress": (409, "The same request with this key is still being answered"),
    "idempotency_key_reused": (409, "Another request was sent with this key"),
    "wrong_host": (403, "The request names another host than this server"),
}
"""Codes that only the API gives, before any of our own code runs."""

NO_EFFECT_YET = {
    "project.forge",
    "gates.required_checks",
}
"""Keys of `adw.toml` that are checked but not acted on by this version."""


def render_settings() -> str:
    """Environment variables."""
    rows = [
        (f"`{each.name}`", each.about, _code(each.default), _code(each.example), "yes" if each.secret else "")
        for each in VARIABLES
    ]
    return _page(
        "Settings",
        "All settings are environment variables. A flag of a command goes before them; a `.env` file comes after them."
        "\nThe `.env` file is read from `--env-file`, from the folder in `ADW_WORKING_DIR`, or from the data directory,"
        "\nnever from a repository that is worked on. `.env.sample` holds all of them; `adw config list` shows what is"
        "\nin force and where it came from. What a project decides for itself is in [adw.toml](adw-toml.md).\n",
        *_table(("name", "meaning", "default", "example", "secret"), rows),
    )


def render_env_sample() -> str:
    """`.env.sample`: every variable, none of them set."""
    head = (
        "# Settings of ADW Orchestrator. Nothing here must be set: uncomment what you need and put the file into the\n"
        "# data directory as `.env`, or name it with --env-file. Written from the code by docs/generate.py.\n"
    )
    return head + "".join(f"\n{_sample(each)}" for each in VARIABLES)


def render_errors() -> str:
    """Every error class."""
    rows = [
        (
            f"`{each.code}`",
            _first_line(each),
            REMEDIES[each.code],
            f"`{each.__name__}`",
            each.status,
            int(each.exit_code),
            _yes(each),
        )
        for each in error_classes()
    ]
    return _page(
        "Errors",
        "What can go wrong has a stable code: in brackets on the command line, `code` in the API's answers.\n"
        "Every message comes with a hint that says what to do next. What is refused changes nothing: everything\n"
        "stays as it was. What is left of a workflow that fails on its way is in [failures](failures.md).\n",
        *_table(("code", "meaning", "what to do", "class", "HTTP", "exit", "repeating may help"), rows),
        "\nThe API alone also gives these:\n",
        *_table(("code", "meaning", "HTTP"), [(f"`{code}`", *reversed(each)) for code, each in HTTP_CODES.items()]),
    )


def render_events() -> str:
    """Every type of event."""
    return _page(
        "Events",
        "An event is an immutable fact about a workflow, numbered `seq` 1, 2, 3... without gaps within it.\n"
        "`adw logs ID --json` prints them, one a line.\n",
        *_table(("type", "meaning"), [(f"`{each}`", EVENTS[each]) for each in EventType]),
        "\nOn a socket ([the live stream](../concepts/live-stream.md)) come besides:\n",
        *_table(("type", "meaning"), [(f"`{each}`", meaning) for each, meaning in SERVER_FRAMES.items()]),
    )


def render_failures() -> str:
    """Every class of failure."""
    rows = [
        (
            f"`{each}`",
            AFTERMATHS[each].reads,
            policy.advice,
            "<br>".join(map(_code, policy.commands)),
            policy.automatic_retries,
            AFTERMATHS[each].survives,
            int(ExitCode.FAILED),
            200,
        )
        for each, policy in POLICIES.items()
    ]
    heads = ("class", "reads like", "what to do", "commands", "retries by itself", "what survives", "exit", "HTTP")
    return _page(
        "Failures",
        "A failed workflow says why in one of these classes. Whatever the class, these stay: the branch with every"
        "\ncommit that was pushed, the pull request, finished phases with their evidence, events, transcripts, the"
        "\nbooks, and the worktree until the pull request is merged or closed. What is left of the phase that failed is"
        "\nin the table. What is refused before it begins is in [errors](errors.md).\n"
        "\n`adw run --wait` and `adw logs -f` then end with exit code 1. The API answers 200: failing is what became of"
        "\nthe workflow, not of the request; class, message, advice and commands are in `failure`.\n",
        *_table(heads, rows),
    )


def render_statuses() -> str:
    """States and the moves between them."""
    moves = [(f"`{each}`", ", ".join(f"`{to}`" for to in Status if to in TRANSITIONS[each])) for each in TRANSITIONS]
    kinds = [(f"`{kind}`", ", ".join(phases)) for kind, phases in KINDS.items()]
    words = [(f"`{phase}`", f"`{each.running}`", f"`{each.done}`") for phase, each in PHASE_WORDS.items()]
    return _page(
        "Statuses, kinds and phases",
        "Paused means a person stopped it; waiting means the system needs something.\n",
        *_table(("status", "may become"), moves),
        f"\nA waiting workflow says for what: {_list(WaitReason)}.",
        f"\nThe pull request has a state of its own: {_list(PrState)}.",
        "`completed` means that the phases are done, not that the pull request is merged.",
        "\n## Kinds\n",
        *_table(("kind", "phases"), kinds),
        "\n## The phase column\n",
        *_table(("phase", "while it runs", "when it is done"), words),
    )


def render_database() -> str:
    """Tables and columns, gathered by the module that defines them."""
    lines: list[str] = []
    for table in sorted(metadata.tables.values(), key=lambda each: each.name):
        keys = {column.name: f"references `{key.target_fullname}`" for column in table.c for key in column.foreign_keys}
        rows = [
            (
                f"`{each.name}`",
                f"`{each.type.compile(DIALECT).lower()}`",
                "yes" if each.nullable else "",
                _keys(each, keys),
            )
            for each in table.c
        ]
        lines += [f"\n## {table.name}\n", *_table(("column", "type", "may be null", "key"), rows), *_rules(table)]
    return _page(
        "Database",
        "PostgreSQL is the only database. These are our tables; the engine keeps its own in the schema `dbos`.\n"
        f"This code brings a database to revision `{HEAD}` and leaves it usable by code that knows\n"
        f"`{MIN_COMPATIBLE}` or newer.",
        *lines,
    )


def render_adw_toml() -> str:
    """The project's own settings."""
    lines: list[str] = []
    for name, field in ProjectConfig.model_fields.items():
        model, title = _model_of(field, name)
        lines += [f"\n## `{title}`\n", _sentence(_first_line(model)), ""]
        lines += _table(("key", "example", "default", ""), list(_keys_of(model, name)))
    return _page(
        "adw.toml",
        "A repository may hold a file `adw.toml` at its root. Everything is optional. What cannot be understood is\n"
        "refused, all problems at once. The file is read from the commit a workflow starts from.",
        *lines,
    )


PAGES: Mapping[Path, Callable[[], str]] = {
    ROOT / ".env.sample": render_env_sample,
    REFERENCE / "settings.md": render_settings,
    REFERENCE / "errors.md": render_errors,
    REFERENCE / "events.md": render_events,
    REFERENCE / "failures.md": render_failures,
    REFERENCE / "statuses.md": render_statuses,
    REFERENCE / "database.md": render_database,
    REFERENCE / "adw-toml.md": render_adw_toml,
}


def error_classes() -> list[type[AdwError]]:
    """All of them, wherever they are defined, in the order of their codes."""
    for module in pkgutil.walk_packages(adw.__path__, "adw."):
        if not module.name.startswith(RUN_ON_IMPORT):
            importlib.import_module(module.name)
    return sorted({AdwError, *_below(AdwError)}, key=lambda each: (each.code, each.__name__))


def _below(parent: type[AdwError]) -> Iterator[type[AdwError]]:
    for each in parent.__subclasses__():
        if each.__module__.startswith("adw."):
            yield each
            yield from _below(each)


def _sample(each: Variable) -> str:
    return (
        f"# {each.about}{'' if each.default is None else f' (default: {each.default})'}\n#{each.name}={each.example}\n"
    )


def _model_of(field: FieldInfo, name: str) -> tuple[type[BaseModel], str]:
    """The model of a table of `adw.toml`; of named tables, that of one entry."""
    if typing.get_origin(field.annotation) is dict:
        return typing.get_args(field.annotation)[1], f"[{name}.<name>]"
    return typing.cast("type[BaseModel]", field.annotation), f"[{name}]"


def _keys_of(model: type[BaseModel], table: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = field.alias or name
        idle = "no effect yet" if {table, f"{table}.{key}"} & NO_EFFECT_YET else ""
        default: Any = field.get_default(call_default_factory=True, validated_data={})
        shown = _code(str(default).lower()) if isinstance(default, bool | int | float | str) else ""
        yield f"`{key}`", _code(str((field.examples or [""])[0])), shown, idle


def _rules(table: Table) -> Iterator[str]:
    """What the database itself enforces beyond keys and types."""
    unique = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    named = sorted(", ".join(column.name for column in columns) for columns in unique)
    checks = sorted(str(each.sqltext) for each in table.constraints if isinstance(each, CheckConstraint))
    indexes = sorted(_described(each) for each in table.indexes if each.unique)
    rules = [*(f"- unique: `{each}`" for each in (*named, *indexes)), *(f"- check: `{each}`" for each in checks)]
    if rules:
        yield "\nRules:\n"
        yield from rules


def _described(index: Index) -> str:
    columns = ", ".join(str(each) for each in index.expressions)
    where = index.dialect_options["postgresql"]["where"]
    return columns if where is None else f"{columns}` where `{where}"


def _keys(column: Any, references: Mapping[str, str]) -> str:
    return ", ".join(
        [*(["primary"] if column.primary_key else []), *([references.get(column.name)] * (column.name in references))]
    )


def _yes(error: type[AdwError]) -> str:
    return "yes" if error.retryable else ""


def _first_line(thing: type) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


def _sentence(docstring: str) -> str:
    """The part after the name of the table, beginning with a capital letter."""
    about = docstring.split(": ", 1)[-1]
    return about[0].upper() + about[1:]


def _list(names: type) -> str:
    return ", ".join(f"`{each}`" for each in names)


def _code(text: str | None) -> str:
    return f"`{text}`" if text else ""


def _table(heads: tuple[str, ...], rows: list[tuple[object, ...]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    return lines + [f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows]


def _page(title: str, *lines: str) -> str:
    return "\n".join([f"# {title}\n", WRITTEN + "\n", *lines]) + "\n"
