"""Who is told what outside of our own screens, what is on its way to them, and links by which they answer."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from adw.domain.channels import ChannelKind
from adw.domain.notifications import DeliveryState
from adw.store.metadata import metadata
from adw.store.tables.types import Xid8, created_at, json_object, one_of

_NONE = text("'{}'")

channels = Table(
    "notification_channels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    json_object("address"),
    Column("person", Text),
    Column("link_hours", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    created_at(),
    one_of("kind", ChannelKind),
)

rules = Table(
    "notification_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel_id", Text, ForeignKey("notification_channels.id", ondelete="CASCADE"), nullable=False),
    Column("events", ARRAY(Text), nullable=False),
    Column("project_ids", ARRAY(Text), nullable=False, server_default=_NONE),
    Column("urgent", ARRAY(Text), nullable=False, server_default=_NONE),
    Column("digest_minutes", Integer),
    Column("digest_at", ARRAY(Integer), nullable=False, server_default=_NONE),
    Column("quiet_from", Integer),
    Column("quiet_until", Integer),
    Column("zone", Text, nullable=False, server_default="UTC"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("fed_xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("created_by", Text, nullable=False),
    created_at(),
    CheckConstraint("digest_minutes BETWEEN 1 AND 10080", name="digest_minutes"),
    CheckConstraint(
        "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439"
        " OR (quiet_from IS NULL AND quiet_until IS NULL)",
        name="quiet_minutes",
    ),
    Index("ix_notification_rules_channel", "channel_id"),
)

deliveries = Table(
    "notification_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel_id", Text, ForeignKey("notification_channels.id", ondelete="CASCADE"), nullable=False),
    Column("rule_id", Text, ForeignKey("notification_rules.id", ondelete="CASCADE")),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("owner", Text),
    Column("owned_until", DateTime(timezone=True)),
    Column("error", Text),
    created_at(),
    Column("ended_at", DateTime(timezone=True)),
    one_of("state", DeliveryState),
    UniqueConstraint("rule_id", "key"),
    Index("ix_notification_deliveries_open", "due_at", postgresql_where=text("state IN ('waiting', 'sending')")),
    Index("ix_notification_deliveries_failed", "created_at", postgresql_where=text("state = 'failed'")),
    Index("ix_notification_deliveries_page", "created_at", "id"),
    Index("ix_notification_deliveries_channel", "channel_id", "state"),
)

items = Table(
    "notification_items",
    metadata,
    Column("rule_id", Text, ForeignKey("notification_rules.id", ondelete="CASCADE"), primary_key=True),
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), primary_key=True),
    Column("event_seq", BigInteger, primary_key=True),
    Column("event", Text, nullable=False),
    Column("delivery_id", Text, ForeignKey("notification_deliveries.id", ondelete="CASCADE"), nullable=False),
    Index("ix_notification_items_delivery", "delivery_id"),
    Index("ix_notification_items_workflow", "adw_id"),
)

approval_links = Table(
    "approval_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("approval_id", UUID(as_uuid=True), ForeignKey("adw_approvals.id", ondelete="CASCADE"), nullable=False),
    Column("channel_id", Text, ForeignKey("notification_channels.id", ondelete="CASCADE"), nullable=False),
    Column("person", Text, nullable=False),
    created_at(),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Index("ix_approval_links_approval", "approval_id"),
    Index("ix_approval_links_channel", "channel_id"),
)
