"""What forges and clocks told us and what became of it, what was understood of it, who polls which forge, schedules.

`semantic_key` is set where something may start work, on the first row that tells of it; rows that tell of it again
have none. Rows without a notice were refused or ignored before anybody needed one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from adw.domain.triggers import Outcome, TriggerSource
from adw.store.metadata import metadata
from adw.store.tables.types import created_at, one_of

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source", Text, nullable=False),
    Column("guid", Text, unique=True),
    Column("event", Text, nullable=False),
    Column("semantic_key", Text, unique=True),
    Column("repository", Text),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("sender", Text),
    Column("number", Integer),
    Column("notice", JSONB),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("adw_id", Text),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("settled_at", DateTime(timezone=True)),
    one_of("source", TriggerSource),
    one_of("outcome", Outcome),
    Index("ix_webhook_deliveries_pending", "due_at", postgresql_where=text("outcome = 'pending'")),
    Index("ix_webhook_deliveries_received_at", "received_at"),
)

intents = Table(
    "trigger_intents",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("issue_number", Integer, nullable=False),
    Column("intent", Text, nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("delivery_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "issue_number", "intent"),
)

replies = Table(
    "trigger_replies",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    created_at(),
    PrimaryKeyConstraint("project_id", "number", "reason"),
    Index("ix_trigger_replies_person", "project_id", "person"),
)

polls = Table(
    "trigger_polls",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("cursor", Text),
    Column("owner", Text),
    Column("leased_until", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("problem", Text),
    Column("looked_at", DateTime(timezone=True)),
    Column("first_number", Integer),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("is_from_file", Boolean, nullable=False),
    Column("digest", Text, nullable=False),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False, server_default="UTC"),
    Column("prompt", Text, nullable=False),
    Column("workflow", Text),
    Column("created_by", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("last_due_at", DateTime(timezone=True)),
    created_at(),
    UniqueConstraint("project_id", "digest"),
    Index("ix_schedules_due_at", "due_at"),
)
