"""Calls about who is told what outside of our own screens."""

from __future__ import annotations

from collections.abc import Sequence

from adw.client import types as t
from adw.client.calls.call import Call, segment

NOTIFICATIONS = "/api/notifications"


def notifications() -> Call[t.NotificationsDict]:
    return Call(method="GET", path=NOTIFICATIONS)


def add_channel(name: str, *, kind: t.ChannelKindName, fields: t.ChannelFields, actor: str) -> Call[t.ChannelDict]:
    body = {"name": name, "kind": kind, **fields, "actor": actor}
    return Call(method="POST", path=f"{NOTIFICATIONS}/channels", body=body)


def remove_channel(channel: str) -> Call[t.ChannelDict]:
    return Call(method="DELETE", path=f"{NOTIFICATIONS}/channels/{segment(channel)}")


def test_channel(channel: str) -> Call[t.DeliveryDict]:
    return Call(method="POST", path=f"{NOTIFICATIONS}/channels/{segment(channel)}/test")


def add_rule(channel: str, events: Sequence[str], *, fields: t.RuleFields, actor: str) -> Call[t.RuleDict]:
    body = {"channel": channel, "events": list(events), **fields, "actor": actor}
    return Call(method="POST", path=f"{NOTIFICATIONS}/rules", body=body)


def switch_rule(rule_id: str, *, on: bool) -> Call[t.RuleDict]:
    return Call(method="POST", path=f"{NOTIFICATIONS}/rules/{segment(rule_id)}/{'on' if on else 'off'}")


def remove_rule(rule_id: str) -> Call[t.RuleDict]:
    return Call(method="DELETE", path=f"{NOTIFICATIONS}/rules/{segment(rule_id)}")


def deliveries(*, state: str | None, channel: str | None, limit: int) -> Call[t.DeliveryListDict]:
    params = {"state": state, "channel": channel, "limit": limit}
    return Call(method="GET", path=f"{NOTIFICATIONS}/deliveries", params=params)


def retry_delivery(delivery_id: str) -> Call[t.DeliveryDict]:
    return Call(method="POST", path=f"{NOTIFICATIONS}/deliveries/{segment(delivery_id)}/retry")
