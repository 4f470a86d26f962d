"""The server and what it stands on, of the client for programs without an event loop."""

from __future__ import annotations

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Hosts(Connection):
    """The server and what it stands on."""

    def health(self) -> t.HealthDict:
        return self.send(calls.hosts.health())

    def ready(self) -> t.ReadinessDict:
        """What work depends on; also when some of it is missing."""
        return self.send(calls.hosts.ready())

    def worktrees(self) -> t.WorktreeListDict:
        return self.send(calls.hosts.worktrees())

    def clean_worktrees(self, *, dry_run: bool = False) -> t.CleanupDict:
        return self.send(calls.hosts.clean_worktrees(dry_run=dry_run))

    def workers(self) -> t.WorkerListDict:
        return self.send(calls.hosts.workers())

    def ports(self) -> t.PortListDict:
        """Ports that workflows hold, on all hosts."""
        return self.send(calls.hosts.ports())

    def settings(self) -> t.SettingListDict:
        """What the server runs with; secrets are hidden. Needs an admin's token."""
        return self.send(calls.hosts.settings())

    def metrics(self) -> str:
        """Figures in the text format of Prometheus."""
        return self.send(calls.hosts.metrics())
