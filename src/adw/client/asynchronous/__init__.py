"""The client for programs with an event loop."""

from __future__ import annotations

from adw.client.asynchronous.access import AsyncAccess
from adw.client.asynchronous.budgets import AsyncBudgets
from adw.client.asynchronous.chat import AsyncChat
from adw.client.asynchronous.following import AsyncFollowing
from adw.client.asynchronous.free_agents import AsyncFreeAgents
from adw.client.asynchronous.hosts import AsyncHosts
from adw.client.asynchronous.notifications import AsyncNotifications
from adw.client.asynchronous.projects import AsyncProjects
from adw.client.asynchronous.records import AsyncRecords
from adw.client.asynchronous.triggers import AsyncTriggers
from adw.client.asynchronous.workflows import AsyncWorkflows

__all__ = ["AsyncAdwClient"]


class AsyncAdwClient(
    AsyncWorkflows,
    AsyncRecords,
    AsyncProjects,
    AsyncBudgets,
    AsyncTriggers,
    AsyncHosts,
    AsyncAccess,
    AsyncChat,
    AsyncFreeAgents,
    AsyncNotifications,
    AsyncFollowing,
):
    """One server, spoken to from an event loop. Close it, or use it as a context manager.

    Every method raises the error of our own tree that the server's refusal stands for, `UnreachableError` when there
    is no server. `project` is a path, or a project's id or name; `key` makes repeating a call harmless.
    """
