"""How a step's result is recorded: as JSON, errors of our own tree included, so that a replay raises the same."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from adw.engine.errors import NotJsonError, StepFailedError
from adw.kit.errors import AdwError
from adw.ports.engine import JsonObject, JsonValue


def success(value: JsonValue, *, step: str) -> JsonObject:
    """The record of a result."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotJsonError(f"step {step!r} returned a value that cannot be recorded: {error}") from error
    return {"value": value}


def failure(error: AdwError) -> JsonObject:
    """The record of an error. Its class, message, hint and facts survive; whatever else it carries does not."""
    told = {"type": type(error).__name__, "message": error.message, "hint": error.hint}
    return {"error": {**told, "facts": dict(error.facts)}}


def unwrap(record: JsonValue) -> JsonValue:
    """The recorded result, or the recorded error raised again."""
    if not isinstance(record, Mapping):
        raise StepFailedError(f"a step's record is not ours: {record!r}")
    error = record.get("error")
    if isinstance(error, Mapping):
        raise _revived(error)
    return record["value"]


def _revived(recorded: JsonObject) -> AdwError:
    name, message, hint = recorded.get("type"), str(recorded.get("message")), recorded.get("hint")
    kind = next((each for each in _tree(AdwError) if each.__name__ == name), StepFailedError)
    error = kind.__new__(kind)
    AdwError.__init__(error, message, hint=None if hint is None else str(hint))
    facts = recorded.get("facts")
    if isinstance(facts, Mapping):
        error.facts = {name: str(value) for name, value in facts.items()}
    return error


def _tree(root: type[AdwError]) -> Iterator[type[AdwError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)
