"""Who is told what outside of our own screens, of the client for programs with an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.asynchronous.connection import AsyncConnection


class AsyncNotifications(AsyncConnection):
    """Channels, rules, and what became of each message."""

    async def notifications(self) -> t.NotificationsDict:
        """All channels and rules."""
        return await self.send(calls.notifications.notifications())

    async def add_channel(self, name: str, *, kind: t.ChannelKindName, fields: t.ChannelFields) -> t.ChannelDict:
        """Secrets are given as the names of the workers' environment variables that hold them."""
        return await self.send(calls.notifications.add_channel(name, kind=kind, fields=fields, actor=self.actor))

    async def remove_channel(self, channel: str) -> t.ChannelDict:
        """By name or id, with its rules. Returns what it was."""
        return await self.send(calls.notifications.remove_channel(channel))

    async def test_channel(self, channel: str) -> t.DeliveryDict:
        """Puts a test on its way; `deliveries` tells what became of it."""
        return await self.send(calls.notifications.test_channel(channel))

    async def add_rule(self, channel: str, events: Sequence[str], *, fields: t.RuleFields | None = None) -> t.RuleDict:
        """Lets a channel be told of these events, or groups of them, from now on."""
        return await self.send(calls.notifications.add_rule(channel, events, fields=fields or {}, actor=self.actor))

    async def switch_rule(self, rule_id: str, *, on: bool) -> t.RuleDict:
        """What happens while it is off is not told later either."""
        return await self.send(calls.notifications.switch_rule(rule_id, on=on))

    async def remove_rule(self, rule_id: str) -> t.RuleDict:
        """Returns what it was."""
        return await self.send(calls.notifications.remove_rule(rule_id))

    async def deliveries(
        self, *, state: str | None = None, channel: str | None = None, limit: int = 50
    ) -> t.DeliveryListDict:
        """Messages, newest first."""
        return await self.send(calls.notifications.deliveries(state=state, channel=channel, limit=limit))

    async def retry_delivery(self, delivery_id: str) -> t.DeliveryDict:
        """Sends a message again that was given up."""
        return await self.send(calls.notifications.retry_delivery(delivery_id))
