"""A watcher of pull requests that looks when a test says so; the workers of shared systems have none."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import text

from adw.store.watches import claim_due, wake_watches
from adw.worker.watching import Watching


class Watch:
    """A worker's watcher, one look at a time: whatever delivery came or was lost, the forge is what counts."""

    def __init__(self, scene):
        foundation = scene.foundation
        self._database = foundation.database
        self._watching = Watching(foundation.database, foundation.enqueuer, foundation.access)

    async def look(self, workflow, times=1, *, alone=False):
        """Wakes the watch of this workflow, and looks; `alone` puts off all others."""
        for _ in range(times):
            async with self._database.begin() as connection:
                if alone:
                    await self._put_others_off(connection, workflow)
                await wake_watches(connection, project_id=workflow.project_id, pr_number=workflow.pr_number)
                watch = await claim_due(connection, claim=uuid4().hex)
            assert watch is not None
            assert watch.adw_id == workflow.adw_id
            await self._watching.look(watch)

    async def put_others_off(self, workflow):
        async with self._database.begin() as connection:
            await self._put_others_off(connection, workflow)

    async def _put_others_off(self, connection, workflow):
        """A worker that comes to an end of other work at this moment has to wait with its watch."""
        await connection.execute(text("LOCK TABLE adw_watches IN EXCLUSIVE MODE"))
        others = text("UPDATE adw_watches SET due_at = 'infinity' WHERE adw_id <> :own")
        await connection.execute(others, {"own": workflow.adw_id})
