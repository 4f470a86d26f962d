"""Queueing and revoking runs inside the caller's transaction, from any process."""

from __future__ import annotations

from dbos import DBOSClient, EnqueueOptions
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.ext.asyncio import AsyncConnection

from adw.engine import runs
from adw.engine.names import APPLICATION, INTERPRETER, QUEUE, VERSION
from adw.engine.upstream import SCHEMA, SERIALIZER
from adw.ports.engine import JsonObject


class DbosEnqueuer:
    """Writes to the engine's tables through connections it is given; it opens none itself."""

    def __init__(self, url: str) -> None:
        self._client = DBOSClient(
            system_database_url=url,
            dbos_system_schema=SCHEMA,
            serializer=SERIALIZER,
            application_name=APPLICATION,
            lazy=True,
        )

    async def enqueue(
        self, connection: AsyncConnection, *, run_id: str, payload: JsonObject, priority: int = 0
    ) -> None:
        options: EnqueueOptions = {
            "workflow_name": INTERPRETER,
            "queue_name": QUEUE,
            "workflow_id": run_id,
            "app_version": VERSION,
        }
        if priority:
            options["priority"] = priority

        def insert(sync: SyncConnection) -> None:
            self._client.enqueue_in_transaction(sync, options, payload)

        await connection.run_sync(insert)

    async def revoke(self, connection: AsyncConnection, *, run_id: str) -> None:
        await runs.cancel(connection, run_id)

    def dispose(self) -> None:
        self._client.destroy()
