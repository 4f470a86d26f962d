"""The client for programs without an event loop, such as the command line."""

from __future__ import annotations

from adw.client.synchronous.access import Access
from adw.client.synchronous.budgets import Budgets
from adw.client.synchronous.chat import Chat
from adw.client.synchronous.following import Following
from adw.client.synchronous.free_agents import FreeAgents
from adw.client.synchronous.hosts import Hosts
from adw.client.synchronous.notifications import Notifications
from adw.client.synchronous.projects import Projects
from adw.client.synchronous.records import Records
from adw.client.synchronous.triggers import Triggers
from adw.client.synchronous.workflows import Workflows

__all__ = ["AdwClient"]


class AdwClient(
    Workflows, Records, Projects, Budgets, Triggers, Hosts, Access, Chat, FreeAgents, Notifications, Following
):
    """One server. Close it, or use it as a context manager.

    Every method raises the error of our own tree that the server's refusal stands for, `UnreachableError` when there
    is no server. `project` is a path, or a project's id or name; `key` makes repeating a call harmless.
    """
