"""Channels, rules and messages of notifications, as the server tells them."""

# ruff: noqa: D101 - the server describes these answers at /openapi.json

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

ChannelKindName = Literal["webhook", "slack", "email"]


class ChannelDict(TypedDict):
    id: str
    name: str
    kind: ChannelKindName
    url: str | None
    urlEnv: str | None
    secretEnv: str | None
    host: str | None
    port: int | None
    security: str | None
    username: str | None
    sender: str | None
    recipients: list[str]
    allowPrivate: bool
    person: str | None
    linkHours: int
    missing: list[str]
    createdBy: str
    createdAt: str


class RuleDict(TypedDict):
    id: str
    channel: str
    events: list[str]
    projectIds: list[str]
    urgent: list[str]
    digestMinutes: int | None
    digestAt: list[str]
    quietFrom: str | None
    quietUntil: str | None
    zone: str
    enabled: bool
    createdBy: str
    createdAt: str


class NotificationsDict(TypedDict):
    channels: list[ChannelDict]
    rules: list[RuleDict]


class DeliveryDict(TypedDict):
    id: str
    channel: str
    ruleId: str | None
    state: str
    attempts: int
    events: int
    dueAt: str
    error: str | None
    createdAt: str
    endedAt: str | None


class DeliveryListDict(TypedDict):
    deliveries: list[DeliveryDict]


class ChannelFields(TypedDict):
    """What a channel is made of, besides its name and kind."""

    url: NotRequired[str | None]
    urlEnv: NotRequired[str | None]
    secretEnv: NotRequired[str | None]
    host: NotRequired[str | None]
    port: NotRequired[int | None]
    security: NotRequired[str | None]
    username: NotRequired[str | None]
    sender: NotRequired[str | None]
    recipients: NotRequired[list[str]]
    allowPrivate: NotRequired[bool]
    person: NotRequired[str | None]
    linkHours: NotRequired[int | None]


class RuleFields(TypedDict):
    """What a rule is made of, besides its channel and events."""

    projects: NotRequired[list[str]]
    urgent: NotRequired[list[str]]
    digestMinutes: NotRequired[int | None]
    digestAt: NotRequired[list[str]]
    quietFrom: NotRequired[str | None]
    quietUntil: NotRequired[str | None]
    zone: NotRequired[str]
