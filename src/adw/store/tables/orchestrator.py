"""The orchestrator agent and its chat."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, ForeignKey, Index, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from adw.store.metadata import metadata
from adw.store.tables.types import created_at, json_object, one_of

PARTIES = ("user", "orchestrator", "agent")


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
    created_at(),
    _updated_at(),
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
    created_at(),
    _updated_at(),
    one_of("sender_type", PARTIES),
    one_of("receiver_type", PARTIES),
    Index("ix_orchestrator_chat_order", "orchestrator_agent_id", "created_at"),
)
