"""What earlier executions of a run have recorded, read at once.

A run that goes on elsewhere comes by each of its steps again; asking for their records one by one would take it
longer than anything else. What is not found here is asked for as usual, and the answer then counts.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from sqlalchemy import text

from adw.engine import upstream
from adw.engine.outage import through_outages
from adw.ports.engine import JsonValue
from adw.store.db import Database

_Rows: TypeAlias = dict[int, tuple[str, str]]

_QUERY = text(
    f"SELECT function_id, function_name, output FROM {upstream.SCHEMA}.operation_outputs"  # noqa: S608 # our own name
    " WHERE workflow_uuid = :run AND output IS NOT NULL AND error IS NULL AND serialization = :serialization"
)


class Records:
    """Those of one run as they were when its first step was asked for; each is given out once."""

    def __init__(self, database: Database, *, run_id: str) -> None:
        self._database = database
        self._run_id = run_id
        self._rows: _Rows | None = None
        self._lock = asyncio.Lock()

    async def take(self, number: int, *, name: str) -> JsonValue:
        """The record of a step; None when there is none of that name under that number."""
        async with self._lock:
            if self._rows is None:
                self._rows = await through_outages(self._read)
        recorded_name, output = self._rows.pop(number, ("", ""))
        return upstream.SERIALIZER.deserialize(output) if recorded_name == name else None

    async def _read(self) -> _Rows:
        async with self._database.read() as connection:
            which = {"run": self._run_id, "serialization": upstream.SERIALIZER.name()}
            return {row[0]: (row[1], row[2]) for row in await connection.execute(_QUERY, which)}
