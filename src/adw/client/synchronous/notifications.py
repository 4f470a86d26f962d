"""Who is told what outside of our own screens, of the client for programs without an event loop."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.synchronous.connection import Connection


class Notifications(Connection):
    """Channels, rules, and what became of each message."""

    def notifications(self) -> t.NotificationsDict:
        """All channels and rules."""
        return self.send(calls.notifications.notifications())

    def add_channel(self, name: str, *, kind: t.ChannelKindName, fields: t.ChannelFields) -> t.ChannelDict:
        """Secrets are given as the names of the workers' environment variables that hold them."""
        return self.send(calls.notifications.add_channel(name, kind=kind, fields=fields, actor=self.actor))

    def remove_channel(self, channel: str) -> t.ChannelDict:
        """By name or id, with its rules. Returns what it was."""
        return self.send(calls.notifications.remove_channel(channel))

    def test_channel(self, channel: str) -> t.DeliveryDict:
        """Puts a test on its way; `deliveries` tells what became of it."""
        return self.send(calls.notifications.test_channel(channel))

    def add_rule(self, channel: str, events: Sequence[str], *, fields: t.RuleFields | None = None) -> t.RuleDict:
        """Lets a channel be told of these events, or groups of them, from now on."""
        return self.send(calls.notifications.add_rule(channel, events, fields=fields or {}, actor=self.actor))

    def switch_rule(self, rule_id: str, *, on: bool) -> t.RuleDict:
        """What happens while it is off is not told later either."""
        return self.send(calls.notifications.switch_rule(rule_id, on=on))

    def remove_rule(self, rule_id: str) -> t.RuleDict:
        """Returns what it was."""
        return self.send(calls.notifications.remove_rule(rule_id))

    def deliveries(
        self, *, state: str | None = None, channel: str | None = None, limit: int = 50
    ) -> t.DeliveryListDict:
        """Messages, newest first."""
        return self.send(calls.notifications.deliveries(state=state, channel=channel, limit=limit))

    def retry_delivery(self, delivery_id: str) -> t.DeliveryDict:
        """Sends a message again that was given up."""
        return self.send(calls.notifications.retry_delivery(delivery_id))
