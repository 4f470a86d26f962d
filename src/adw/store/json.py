"""Values on their way into JSONB, which cannot hold NUL or NaN; readers cannot hold integers beyond 64 bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_LONG = 2**63


def storable(value: Any) -> Any:
    """The same value with NUL and lone surrogates in its strings replaced, mappings as dicts, sequences as lists.

    NaN and infinities become None, integers beyond 64 bits text. Other values are left to whoever writes them.
    """
    match value:
        case str():
            return storable_text(value)
        case Mapping():
            items = cast("Mapping[object, Any]", value).items()
            return {storable_text(str(key)): storable(item) for key, item in items}
        case list() | tuple():
            return [storable(item) for item in cast("list[Any]", value)]
        case float() if not math.isfinite(value):
            return None
        case int() if not -_LONG <= value < _LONG:
            return str(value)
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
