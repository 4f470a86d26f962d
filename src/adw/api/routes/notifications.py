"""Who is told what outside of our own screens: channels, rules, and what became of each message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, StrictBool

from adw.api.inputs import Limit, Services
from adw.api.openapi import problems
from adw.api.views.notifications import (
    ChannelView,
    DeliveryList,
    DeliveryView,
    NotificationsView,
    RuleView,
    channel_view,
    delivery_view,
    rule_view,
)
from adw.api.wire import Actor, ActorBody
from adw.domain.channels import LINK_HOURS, MAX_RECIPIENTS, Address, ChannelKind, NewChannel, Security, check_address
from adw.domain.channels import check_name as check_channel_name
from adw.domain.notifications import DeliveryState, NewRule, digest_of, expand_events
from adw.domain.quiet import QuietHours, check_zone
from adw.kit.settings import Settings
from adw.store import notification_outbox as outbox
from adw.store import notifications as store
from adw.store.projects import find_project

router = APIRouter(prefix="/api/notifications", tags=["notifications"], responses=problems(404, 409))

Reference = Annotated[str, Path(max_length=100, description="A channel's id or name")]
Id = Annotated[str, Path(max_length=100)]
VariableName = Annotated[str, Field(pattern=r"^ADW_NOTIFY_[A-Z0-9_]{1,60}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class ChannelBody(ActorBody):
    """Where notifications go. A webhook has `url` (or `urlEnv`) and `secretEnv`, Slack `urlEnv`, e-mail the rest.

    What ends in `Env` is the name of an environment variable of the workers that holds the secret.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,49}$")
    kind: ChannelKind
    url: str | None = Field(default=None, min_length=1, max_length=2000)
    url_env: VariableName | None = None
    secret_env: VariableName | None = None
    host: str | None = Field(default=None, min_length=1, max_length=253)
    port: int | None = Field(default=None, ge=1, le=65535, strict=True)
    security: Security | None = None
    username: str | None = Field(default=None, min_length=1, max_length=200)
    sender: str | None = Field(default=None, min_length=3, max_length=320)
    recipients: tuple[Annotated[str, Field(min_length=3, max_length=320)], ...] = Field(
        default=(), max_length=MAX_RECIPIENTS
    )
    allow_private: StrictBool = Field(
        default=False, description="Whether it may lead to this machine or a private network, there also unencrypted"
    )
    person: Actor | None = Field(default=None, description="In whose name its links decide; left out: it gets none")
    link_hours: int = Field(default=LINK_HOURS, ge=1, le=168, strict=True, description="How long its links work")


class RuleBody(ActorBody):
    """What a channel is told. Events are those of the log, `red_checks`, or the groups `attention`, `ends`, `pulls`."""

    channel: Name
    events: tuple[Name, ...] = Field(min_length=1, max_length=50)
    projects: tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...] = Field(default=(), max_length=100)
    urgent: tuple[Name, ...] = Field(default=(), max_length=50)
    digest_minutes: int | None = Field(default=None, ge=1, le=10_080, strict=True)
    digest_at: tuple[TimeOfDay, ...] = Field(default=(), max_length=24)
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None
    zone: Name = "UTC"


@router.get("")
async def list_notifications(services: Services, request: Request) -> NotificationsView:
    """All channels and rules."""
    async with services.database.read() as connection:
        channels, rules = await store.list_channels(connection), await store.list_rules(connection)
    secrets = _secrets(request)
    return NotificationsView(
        channels=tuple(channel_view(each, secrets) for each in channels), rules=tuple(map(rule_view, rules))
    )


@router.post("/channels", status_code=201)
async def add_channel(services: Services, request: Request, body: ChannelBody) -> ChannelView:
    """Adds a channel. Nothing is told by it until a rule says so."""
    address = Address(
        url=body.url,
        url_env=body.url_env,
        secret_env=body.secret_env,
        host=body.host,
        port=body.port,
        security=body.security,
        username=body.username,
        sender=body.sender,
        recipients=body.recipients,
        allow_private=body.allow_private,
    )
    new = NewChannel(
        name=check_channel_name(body.name),
        kind=body.kind,
        address=check_address(body.kind, address),
        person=body.person,
        link_hours=body.link_hours,
        created_by=body.actor,
    )
    async with services.database.begin() as connection:
        return channel_view(await store.add_channel(connection, new), _secrets(request))


@router.delete("/channels/{channel}")
async def remove_channel(services: Services, request: Request, channel: Reference) -> ChannelView:
    """Removes a channel with its rules, and what is on its way by it; its links stop working."""
    async with services.database.begin() as connection:
        return channel_view(await store.remove_channel(connection, channel), _secrets(request))


@router.post("/channels/{channel}/test", status_code=202)
async def send_test_notification(services: Services, channel: Reference) -> DeliveryView:
    """Sends a message that only says that the channel works. What became of it is told among the deliveries."""
    async with services.database.begin() as connection:
        found = await store.find_channel(connection, channel, keep=True)
        return delivery_view(await outbox.add_test(connection, found, now=datetime.now(UTC)))


@router.post("/rules", status_code=201)
async def add_rule(services: Services, body: RuleBody) -> RuleView:
    """Adds a rule. It tells what happens from now on."""
    zone = check_zone(body.zone)
    is_quiet = body.quiet_from is not None or body.quiet_until is not None
    async with services.database.begin() as connection:
        channel = await store.find_channel(connection, body.channel, keep=True)
        projects = [await find_project(connection, reference) for reference in body.projects]
        new = NewRule(
            channel_id=channel.id,
            events=expand_events(body.events),
            project_ids=tuple(dict.fromkeys(project.id for project in projects)),
            urgent=expand_events(body.urgent),
            digest=digest_of(minutes=body.digest_minutes, at=body.digest_at, zone=zone),
            quiet=QuietHours.parse(body.quiet_from, body.quiet_until, zone=zone) if is_quiet else None,
            created_by=body.actor,
        )
        return rule_view(await store.add_rule(connection, new))


@router.post("/rules/{rule_id}/on")
async def switch_rule_on(services: Services, rule_id: Id) -> RuleView:
    """Lets it tell what happens from now on."""
    return await _switched(services, rule_id, enabled=True)


@router.post("/rules/{rule_id}/off")
async def switch_rule_off(services: Services, rule_id: Id) -> RuleView:
    """Lets it tell nothing. What is on its way already still arrives."""
    return await _switched(services, rule_id, enabled=False)


@router.delete("/rules/{rule_id}")
async def remove_rule(services: Services, rule_id: Id) -> RuleView:
    """Removes a rule with what is on its way by it."""
    async with services.database.begin() as connection:
        return rule_view(await store.remove_rule(connection, rule_id))


@router.get("/deliveries")
async def list_deliveries(
    services: Services,
    *,
    state: Annotated[DeliveryState | None, Query(description="Only those")] = None,
    channel: Annotated[str | None, Query(min_length=1, max_length=100, description="Only of this channel")] = None,
    limit: Limit = 50,
) -> DeliveryList:
    """Messages, newest first; those that have ended for 30 days."""
    async with services.database.read() as connection:
        channel_id = None if channel is None else (await store.find_channel(connection, channel)).id
        found = await outbox.list_deliveries(connection, state=state, channel_id=channel_id, limit=limit)
    return DeliveryList(deliveries=tuple(map(delivery_view, found)))


@router.post("/deliveries/{delivery_id}/retry", status_code=202)
async def retry_delivery(services: Services, delivery_id: Id) -> DeliveryView:
    """Sends a message again that was given up."""
    async with services.database.begin() as connection:
        return delivery_view(await outbox.send_again(connection, delivery_id, now=datetime.now(UTC)))


async def _switched(services: Services, rule_id: str, *, enabled: bool) -> RuleView:
    async with services.database.begin() as connection:
        return rule_view(await store.switch_rule(connection, rule_id, enabled=enabled))


def _secrets(request: Request) -> dict[str, str]:
    settings: Settings | None = request.app.state.settings
    return {} if settings is None else dict(settings.channel_secrets)
