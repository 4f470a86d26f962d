"""A notifier with a clock that stands still, on a real database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adw.domain.approval import Approval, ApprovalKind
from adw.domain.channels import Address, Channel, ChannelKind, NewChannel, check_address
from adw.domain.events import EventType, NewEvent
from adw.domain.notifications import Delivery, NewRule, Rule, expand_events
from adw.notify import Carrier
from adw.store import approvals
from adw.store import notification_outbox as outbox
from adw.store import notifications as store
from adw.store.db import Database
from adw.store.events import append_event
from adw.worker.notifier import Notifier, NotifierSettings

PUBLIC_URL = "https://adw.example.com"
SECRETS = {"ADW_NOTIFY_OPS": "a signing secret", "ADW_NOTIFY_MAIL": "a mail password"}


@dataclass(slots=True)
class HeldClock:
    moment: datetime = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass(slots=True, kw_only=True)
class Bench:
    """The outbox and whoever empties it."""

    database: Database
    clock: HeldClock = field(default_factory=HeldClock)
    secrets: dict[str, str] = field(default_factory=lambda: dict(SECRETS))
    public_url: str | None = PUBLIC_URL

    def notifier(self, worker_id: str = "w1") -> Notifier:
        settings = NotifierSettings(worker_id=worker_id, public_url=self.public_url)
        return Notifier(self.database, Carrier(secrets=self.secrets), settings, clock=self.clock)

    async def channel(
        self, url: str | None, *, name: str = "ops", kind: ChannelKind = ChannelKind.WEBHOOK, **changes: Any
    ) -> Channel:
        person = changes.pop("person", None)
        address = Address(**{"url": url, "secret_env": "ADW_NOTIFY_OPS", "allow_private": True} | changes)
        new = NewChannel(name=name, kind=kind, address=check_address(kind, address), person=person, created_by="pat")
        async with self.database.begin() as connection:
            return await store.add_channel(connection, new)

    async def rule(self, channel: Channel, *events: str, urgent: Sequence[str] = (), **changes: Any) -> Rule:
        new = NewRule(
            channel_id=channel.id,
            events=expand_events(events),
            urgent=expand_events(urgent),
            created_by="pat",
            **changes,
        )
        async with self.database.begin() as connection:
            return await store.add_rule(connection, new)

    async def switch(self, rule: Rule, *, on: bool) -> None:
        async with self.database.begin() as connection:
            await store.switch_rule(connection, rule.id, enabled=on)

    async def happen(self, adw_id: str, event: EventType, message: str = "", **data: Any) -> None:
        async with self.database.begin() as connection:
            await append_event(connection, adw_id, NewEvent(type=event, message=message, data=data))

    async def ask(self, adw_id: str, question: str = "is the plan right?", **changes: Any) -> Approval:
        async with self.database.begin() as connection:
            asked, _ = await approvals.ask(
                connection,
                adw_id=adw_id,
                kind=changes.get("kind", ApprovalKind.PLAN),
                key=question,
                question=question,
                data={},
            )
            data = {"approvalId": str(asked.id), "kind": asked.kind}
            event = NewEvent(type=EventType.APPROVAL_REQUESTED, phase="plan", message=question, data=data)
            await append_event(connection, adw_id, event)
        return asked

    async def deliver(self, notifier: Notifier | None = None) -> int:
        """Gathers what happened and sends all that is due; how many messages that were."""
        mine = notifier or self.notifier()
        await mine.feed_once()
        sent = 0
        while await mine.send_one():
            sent += 1
        return sent

    async def deliveries(self) -> list[Delivery]:
        """Newest first."""
        async with self.database.read() as connection:
            return await outbox.list_deliveries(connection)
