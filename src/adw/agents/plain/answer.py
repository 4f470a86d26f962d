"""Checks a structured answer against the part of JSON Schema that our schemas use; other keywords ask for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def problems_with(value: Any, schema: Mapping[str, Any], *, at: str = "the answer") -> Iterator[str]:
    """What keeps the value from having the schema's form, in words for the agent."""
    wanted = schema.get("type")
    kinds = cast("list[str]", wanted if isinstance(wanted, list) else [wanted] if wanted else [])
    if kinds and not any(_TYPES[kind](value) for kind in kinds):
        yield f"{at} must be of type {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} must be one of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{at} must have at least {schema['minLength']} characters"
    if _TYPES["number"](value) and value < schema.get("minimum", value):
        yield f"{at} must be at least {schema['minimum']}"
    if isinstance(value, Mapping):
        yield from _problems_of_object(cast("Mapping[str, Any]", value), schema, at=at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from problems_with(item, schema["items"], at=f"{at}[{index}]")


def _problems_of_object(value: Mapping[str, Any], schema: Mapping[str, Any], *, at: str) -> Iterator[str]:
    known: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at} lacks {name!r}"
    for name, item in value.items():
        if name in known:
            yield from problems_with(item, known[name], at=f"{at}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at} has the unknown property {name!r}"
