"""Channels, rules and messages of notifications on the wire. Secrets are variables' names; no value is ever told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from adw.api.wire import Wire
from adw.domain.channels import Channel, ChannelKind
from adw.domain.notifications import Delivery, DeliveryState, Rule
from adw.domain.quiet import clock_time


class ChannelView(Wire):
    """Where notifications go."""

    id: str
    name: str
    kind: ChannelKind
    url: str | None
    url_env: str | None
    secret_env: str | None
    host: str | None
    port: int | None
    security: str | None
    username: str | None
    sender: str | None
    recipients: tuple[str, ...]
    allow_private: bool
    person: str | None = Field(description="In whose name its links decide; null: it gets none")
    link_hours: int
    missing: tuple[str, ...] = Field(description="Variables it names that are not set where this server runs")
    created_by: str
    created_at: datetime


class RuleView(Wire):
    """What a channel is told, and when."""

    id: str
    channel: str
    events: tuple[str, ...]
    project_ids: tuple[str, ...] = Field(description="None of them: all projects")
    urgent: tuple[str, ...] = Field(description="Events that wait for no digest and no end of quiet hours")
    digest_minutes: int | None
    digest_at: tuple[str, ...]
    quiet_from: str | None
    quiet_until: str | None
    zone: str
    enabled: bool
    created_by: str
    created_at: datetime


class NotificationsView(Wire):
    """All channels and rules."""

    channels: tuple[ChannelView, ...]
    rules: tuple[RuleView, ...]


class DeliveryView(Wire):
    """One message. `id` is what its receiver is told in `X-ADW-Delivery`, at each attempt the same."""

    id: str
    channel: str
    rule_id: str | None = Field(description="null: a test")
    state: DeliveryState
    attempts: int
    events: int
    due_at: datetime
    error: str | None = Field(description="Of the last attempt that failed")
    created_at: datetime
    ended_at: datetime | None


class DeliveryList(Wire):
    """Newest first."""

    deliveries: tuple[DeliveryView, ...]


def channel_view(channel: Channel, secrets: Mapping[str, str]) -> ChannelView:
    address = channel.address
    return ChannelView(
        id=channel.id,
        name=channel.name,
        kind=channel.kind,
        url=address.url,
        url_env=address.url_env,
        secret_env=address.secret_env,
        host=address.host,
        port=address.port,
        security=address.security,
        username=address.username,
        sender=address.sender,
        recipients=address.recipients,
        allow_private=address.allow_private,
        person=channel.person,
        link_hours=channel.link_hours,
        missing=tuple(name for name in address.secrets if not secrets.get(name)),
        created_by=channel.created_by,
        created_at=channel.created_at,
    )


def rule_view(rule: Rule) -> RuleView:
    digest, quiet = rule.digest, rule.quiet
    return RuleView(
        id=rule.id,
        channel=rule.channel,
        events=rule.events,
        project_ids=rule.project_ids,
        urgent=rule.urgent,
        digest_minutes=None if digest is None else digest.minutes,
        digest_at=() if digest is None else tuple(map(clock_time, digest.at)),
        quiet_from=None if quiet is None else clock_time(quiet.start),
        quiet_until=None if quiet is None else clock_time(quiet.end),
        zone=rule.zone,
        enabled=rule.enabled,
        created_by=rule.created_by,
        created_at=rule.created_at,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        channel=delivery.channel,
        rule_id=delivery.rule_id,
        state=delivery.state,
        attempts=delivery.attempt,
        events=delivery.items,
        due_at=delivery.due_at,
        error=delivery.error,
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
    )
