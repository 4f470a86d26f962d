"""The durable inbox of conversations with an orchestrator: what people say to it and what events tell it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from adw.store.metadata import metadata
from adw.store.tables.types import created_at, one_of

INBOX_KINDS = ("message", "event")
INBOX_STATES = ("waiting", "running", "answered", "interrupted", "refused", "failed", "dropped")

orchestrator_inbox = Table(
    "orchestrator_inbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column(
        "orchestrator_agent_id",
        UUID(as_uuid=True),
        ForeignKey("orchestrator_agents.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("kind", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("adw_id", Text),
    Column("event_seq", BigInteger),
    Column("key", Text),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("turn_id", BigInteger),
    Column("attempt", Integer, nullable=False, server_default="0"),
    created_at(),
    Column("taken_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    one_of("kind", INBOX_KINDS),
    one_of("state", INBOX_STATES),
    CheckConstraint("(kind = 'event') = (event_seq IS NOT NULL AND adw_id IS NOT NULL)", name="event_named"),
    Index(
        "one_inbox_item_per_event",
        "orchestrator_agent_id",
        "adw_id",
        "event_seq",
        unique=True,
        postgresql_where=text("kind = 'event'"),
    ),
    Index(
        "one_inbox_item_per_key",
        "orchestrator_agent_id",
        "key",
        unique=True,
        postgresql_where=text("key IS NOT NULL"),
    ),
    Index(
        "ix_orchestrator_inbox_open",
        "orchestrator_agent_id",
        "id",
        postgresql_where=text("state IN ('waiting', 'running')"),
    ),
)
