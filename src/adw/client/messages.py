"""Server-sent events, read line by line; where a stream broke off is remembered, so that the next one goes on there."""

from __future__ import annotations

import json
from typing import cast

from adw.client.types import EventDict

MEDIA_TYPE = "text/event-stream"
OVER = 204
"""The status that says that nothing will come any more."""


class MessageReader:
    """`place` is what the next stream is to go on after; None: from now on."""

    def __init__(self, place: str | None) -> None:
        self.place = place
        self._next_place = place
        self._data: list[str] = []

    @property
    def headers(self) -> dict[str, str]:
        """Of the request for the next stream."""
        self._data = []
        return {"Accept": MEDIA_TYPE} | ({} if self.place is None else {"Last-Event-ID": self.place})

    def read(self, line: str) -> EventDict | None:
        """The event that is whole with this line."""
        if line == "":
            data, self._data = "\n".join(self._data), []
            self.place = self._next_place
            return cast("EventDict", json.loads(data)) if data else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            self._next_place = value
        elif field == "data":
            self._data.append(value)
        return None
