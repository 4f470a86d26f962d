"""Values on their way into JSONB, which cannot hold the NUL character."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(value: Any) -> Any:
    """The same value with NUL and lone surrogates in its strings replaced, mappings as dicts, sequences as lists."""
    match value:
        case str():
            return storable_text(value)
        case Mapping():
            items = cast("Mapping[object, Any]", value).items()
            return {storable_text(str(key)): storable(item) for key, item in items}
        case list() | tuple():
            return [storable(item) for item in cast("list[Any]", value)]
        case _:
            return value


def storable_text(text: str) -> str:
    cleaned = text.replace("\0", _REPLACEMENT)
    return cleaned.encode("utf-8", "replace").decode() if _has_surrogates(cleaned) else cleaned


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
