"""Texts with `${name}`: only simple names are replaced, so braces of code stay; `$${name}` becomes `${name}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

BUILT_IN_NAMES = frozenset({"cwd", "model", "phase", "role"})

_PLACE = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MissingValueError(LookupError):
    """A template uses a name this request gives no value for."""


def names_in(value: Any) -> set[str]:
    """The names used by the strings anywhere inside `value`."""
    if isinstance(value, str):
        return {name for escaped, name in _PLACE.findall(value) if not escaped}
    if isinstance(value, Mapping):
        return names_in(list(cast("Mapping[Any, Any]", value).values()))
    if isinstance(value, list):
        return {name for item in cast("list[Any]", value) for name in names_in(item)}
    return set()


def render(value: Any, *, values: Mapping[str, str | None]) -> Any:
    """`value` with every string inside it filled in; raises MissingValueError for a name without a value."""
    if isinstance(value, str):
        return _PLACE.sub(lambda place: _fill(place, values), value)
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: render(item, values=values) for key, item in items}
    if isinstance(value, list):
        return [render(item, values=values) for item in cast("list[Any]", value)]
    return value


def _fill(place: re.Match[str], values: Mapping[str, str | None]) -> str:
    escaped, name = place.groups()
    if escaped:
        return place.group(0)[1:]
    found = values.get(name)
    if found is None:
        raise MissingValueError(name)
    return found
