"""Agents outside of workflows: who they are, what they are told, and what they say and do meanwhile."""

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
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from adw.store.metadata import metadata
from adw.store.tables.types import created_at, json_object, one_of

AGENT_STATES = ("idle", "executing", "interrupted", "failed", "deleted")
COMMAND_STATES = ("queued", "executing", "done", "interrupted", "failed")
LOG_KINDS = ("command", "text", "thinking", "tool_use", "tool_result", "answer", "notice")


def _tokens(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _of_agent() -> Column[object]:
    target = ForeignKey("free_agents.id", ondelete="CASCADE")
    return Column("agent_id", UUID(as_uuid=True), target, nullable=False)


free_agents = Table(
    "free_agents",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column(
        "orchestrator_agent_id",
        UUID(as_uuid=True),
        ForeignKey("orchestrator_agents.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("name", Text, nullable=False),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("base_sha", Text),
    Column("template", Text),
    Column("system_prompt", Text, nullable=False),
    Column("tools", ARRAY(Text), nullable=False),
    Column("model", Text),
    Column("budget_usd", Numeric(14, 6)),
    Column("status", Text, nullable=False, server_default="idle"),
    Column("session_id", Text),
    _tokens("input_tokens"),
    _tokens("output_tokens"),
    _tokens("context_tokens"),
    Column("total_cost", Numeric(14, 6), nullable=False, server_default="0"),
    Column("host", Text),
    Column("place", Text),
    Column("snapshot_sha", Text),
    Column("kept_as", Text),
    Column("key", Text),
    Column("created_by", Text, nullable=False),
    Column("owner", Text),
    Column("owned_until", DateTime(timezone=True)),
    created_at(),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("deleted_at", DateTime(timezone=True)),
    one_of("status", AGENT_STATES),
    CheckConstraint("(status = 'deleted') = (deleted_at IS NOT NULL)", name="deleted_has_time"),
    CheckConstraint("(project_id IS NULL) = (base_sha IS NULL)", name="project_has_base"),
    CheckConstraint("budget_usd >= 0", name="budget_not_negative"),
    Index(
        "one_free_agent_per_name",
        "orchestrator_agent_id",
        "name",
        unique=True,
        postgresql_where=text("deleted_at IS NULL"),
    ),
    Index(
        "one_free_agent_per_key",
        "orchestrator_agent_id",
        "key",
        unique=True,
        postgresql_where=text("key IS NOT NULL"),
    ),
)

free_agent_commands = Table(
    "free_agent_commands",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _of_agent(),
    Column("author", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("key", Text),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("stopped_by", Text),
    Column("answer", Text),
    _tokens("input_tokens"),
    _tokens("output_tokens"),
    Column("cost_usd", Numeric(14, 6), nullable=False, server_default="0"),
    created_at(),
    Column("taken_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    one_of("state", COMMAND_STATES),
    CheckConstraint("(ended_at IS NULL) = (state IN ('queued', 'executing'))", name="end_has_time"),
    Index(
        "one_command_at_a_time",
        "agent_id",
        unique=True,
        postgresql_where=text("state = 'executing'"),
    ),
    Index(
        "one_command_per_key",
        "agent_id",
        "key",
        unique=True,
        postgresql_where=text("key IS NOT NULL"),
    ),
    Index(
        "ix_free_agent_commands_open",
        "agent_id",
        "id",
        postgresql_where=text("state IN ('queued', 'executing')"),
    ),
    Index("ix_free_agent_commands_agent", "agent_id", "id"),
)

free_agent_log = Table(
    "free_agent_log",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    _of_agent(),
    Column("command_id", BigInteger),
    Column("kind", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("body", Text, nullable=False),
    json_object("metadata"),
    created_at(),
    one_of("kind", LOG_KINDS),
    Index("ix_free_agent_log_agent", "agent_id", "seq"),
)
