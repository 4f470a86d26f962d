"""The server and what it stands on, of the client for programs with an event loop."""

from __future__ import annotations

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncHosts(AsyncConnection):
    """The server and what it stands on."""

    async def health(self) -> t.HealthDict:
        return await self.send(calls.hosts.health())

    async def ready(self) -> t.ReadinessDict:
        """What work depends on; also when some of it is missing."""
        return await self.send(calls.hosts.ready())

    async def worktrees(self) -> t.WorktreeListDict:
        return await self.send(calls.hosts.worktrees())

    async def clean_worktrees(self, *, dry_run: bool = False) -> t.CleanupDict:
        return await self.send(calls.hosts.clean_worktrees(dry_run=dry_run))

    async def workers(self) -> t.WorkerListDict:
        return await self.send(calls.hosts.workers())

    async def ports(self) -> t.PortListDict:
        """Ports that workflows hold, on all hosts."""
        return await self.send(calls.hosts.ports())

    async def settings(self) -> t.SettingListDict:
        """What the server runs with; secrets are hidden. Needs an admin's token."""
        return await self.send(calls.hosts.settings())

    async def metrics(self) -> str:
        """Figures in the text format of Prometheus."""
        return await self.send(calls.hosts.metrics())
