"""The orchestrator agent and its chat."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from adw.store.metadata import metadata
from adw.store.tables.types import Xid8, created_at, json_object, one_of

PARTIES = ("user", "orchestrator", "agent")
CHAT_KINDS = ("message", "event", "text", "thinking", "tool_use", "tool_result", "answer", "notice")


def _updated_at() -> Column[object]:
    return Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()"))


orchestrator_agents = Table(
    "orchestrator_agents",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("session_id", Text),
    Column("working_dir", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
    Column("total_cost", Numeric(14, 6), nullable=False, server_default="0"),
    Column("status", Text, nullable=False, server_default="idle"),
    json_object("metadata"),
    Column("archived", Boolean, nullable=False, server_default=text("false")),
    Column("model", Text),
    Column("budget_usd", Numeric(14, 6)),
    Column("wake", Boolean, nullable=False, server_default=text("true")),
    Column("quiet_from", Integer),
    Column("quiet_until", Integer),
    Column("quiet_zone", Text, nullable=False, server_default="UTC"),
    Column("context_tokens", BigInteger, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("interrupted_turn", BigInteger),
    Column("fed_xid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
    Column("owner", Text),
    Column("owned_until", DateTime(timezone=True)),
    created_at(),
    _updated_at(),
    CheckConstraint("budget_usd >= 0", name="budget_not_negative"),
    CheckConstraint(
        "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439"
        " OR (quiet_from IS NULL AND quiet_until IS NULL)",
        name="quiet_minutes",
    ),
    one_of("status", ("idle", "executing", "waiting", "blocked", "complete", "archived")),
    Index("one_orchestrator_per_folder", "working_dir", unique=True, postgresql_where=text("NOT archived")),
)

orchestrator_chat = Table(
    "orchestrator_chat",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column(
        "orchestrator_agent_id",
        UUID(as_uuid=True),
        ForeignKey("orchestrator_agents.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("sender_type", Text, nullable=False),
    Column("receiver_type", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("agent_id", Text),
    json_object("metadata"),
    Column("seq", BigInteger, Identity(always=True), nullable=False),
    Column("kind", Text, nullable=False, server_default="message"),
    Column("turn_id", BigInteger),
    created_at(),
    _updated_at(),
    one_of("sender_type", PARTIES),
    one_of("receiver_type", PARTIES),
    one_of("kind", CHAT_KINDS),
    Index(
        "one_answer_per_turn",
        "turn_id",
        unique=True,
        postgresql_where=text("kind = 'answer'"),
    ),
    Index("ix_orchestrator_chat_seq", "orchestrator_agent_id", "seq"),
    Index("ix_orchestrator_chat_order", "orchestrator_agent_id", "created_at"),
)
