"""What was read from commits, kept for a while: a commit never changes, and starting git takes its time."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeAlias

Key: TypeAlias = tuple[str, ...]

MOST_ENTRIES = 256
MOST_BYTES = 64_000
"""Of one file; larger ones are read each time."""


class Committed:
    """The entries used last. `known` tells those that are not there from those nobody has looked for."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, Any] = OrderedDict()

    def known(self, *key: str) -> bool:
        return key in self._entries

    def get(self, *key: str) -> Any:
        self._entries.move_to_end(key)
        return self._entries[key]

    def keep(self, *key: str, value: Any) -> None:
        if isinstance(value, bytes) and len(value) > MOST_BYTES:
            return
        self._entries[key] = value
        while len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)
