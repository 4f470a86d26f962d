"""What workflows leave behind: phases, agent outputs, evidence, artifacts, approvals, effects, ports, baselines."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from adw.domain.approval import ApprovalKind, Decision
from adw.domain.phase import GateOutcome, PhaseStatus
from adw.store.metadata import metadata
from adw.store.tables.types import created_at, json_object, one_of


def _workflow() -> Column[str]:
    return Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), nullable=False)


def _id() -> Column[object]:
    return Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()"))


def _phase_key() -> tuple[Column[str], Column[int]]:
    return Column("phase", Text, nullable=False), Column("attempt", Integer, nullable=False)


phases = Table(
    "adw_phases",
    metadata,
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), primary_key=True),
    Column("phase", Text, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("commit_before", Text),
    Column("commit_after", Text),
    Column("failure", JSONB),
    json_object("data"),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("ended_at", DateTime(timezone=True)),
    Column("summary", Text),
    Column("summary_tries", Integer, nullable=False, server_default="0"),
    Column("summary_until", DateTime(timezone=True)),
    one_of("status", PhaseStatus),
    Index("adw_phases_to_summarize", "ended_at", postgresql_where=text("summary_tries > 0 AND summary IS NULL")),
)

agent_outputs = Table(
    "adw_agent_outputs",
    metadata,
    _id(),
    _workflow(),
    Column("agent_name", Text, nullable=False),
    *_phase_key(),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("session_id", Text),
    Column("model", Text),
    Column("output_text", Text),
    Column("output_jsonl", JSONB),
    Column("success", Boolean),
    Column("error_message", Text),
    Column("failure_class", Text),
    Column("stop_reason", Text),
    Column("retry_count", Integer, nullable=False, server_default="0"),
    Column("turns", Integer, nullable=False, server_default="0"),
    Column("requests", Integer, nullable=False, server_default="0"),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cost_usd", Numeric(14, 6)),
    Column("duration_ms", BigInteger, nullable=False, server_default="0"),
    Column("snapshot_sha", Text),
    created_at(),
    Column("ended_at", DateTime(timezone=True)),
    UniqueConstraint("adw_id", "phase", "attempt", "agent_name", "round"),
)

evidence = Table(
    "adw_evidence",
    metadata,
    _id(),
    _workflow(),
    *_phase_key(),
    Column("gate", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("commit_sha", Text, nullable=False),
    Column("config_hash", Text, nullable=False, server_default=""),
    Column("summary", Text, nullable=False),
    json_object("data"),
    Column("superseded", Boolean, nullable=False, server_default=text("false")),
    created_at(),
    UniqueConstraint("adw_id", "phase", "attempt", "gate", "commit_sha", "config_hash"),
    one_of("outcome", GateOutcome),
)

artifacts = Table(
    "adw_artifacts",
    metadata,
    _id(),
    _workflow(),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    created_at(),
    UniqueConstraint("adw_id", "name"),
)

approvals = Table(
    "adw_approvals",
    metadata,
    _id(),
    _workflow(),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("question", Text, nullable=False),
    json_object("data"),
    Column("decision", Text, nullable=False, server_default=Decision.PENDING.value),
    Column("reason", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    created_at(),
    Column("edited_input", JSONB(none_as_null=True)),
    Column("used_at", DateTime(timezone=True)),
    UniqueConstraint("adw_id", "key"),
    one_of("kind", ApprovalKind),
    one_of("decision", Decision),
    Index("ix_adw_approvals_pending", "created_at", postgresql_where=text("decision = 'pending'")),
)

effects = Table(
    "adw_effects",
    metadata,
    Column("key", Text, primary_key=True),
    _workflow(),
    Column("kind", Text, nullable=False),
    Column("result", JSONB),
    created_at(),
    Column("confirmed_at", DateTime(timezone=True)),
)

port_leases = Table(
    "port_leases",
    metadata,
    Column("host", Text, primary_key=True),
    Column("port", Integer, primary_key=True),
    _workflow(),
    Column("purpose", Text, nullable=False),
    created_at(),
    UniqueConstraint("adw_id", "purpose"),
    one_of("purpose", ("backend", "frontend")),
)

baselines = Table(
    "adw_baselines",
    metadata,
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("commit_sha", Text, primary_key=True),
    Column("config_hash", Text, primary_key=True),
    json_object("result"),
    created_at(),
)

messages = Table(
    "adw_messages",
    metadata,
    _id(),
    _workflow(),
    Column("author", Text, nullable=False),
    Column("body", Text, nullable=False),
    created_at(),
    Column("delivered_at", DateTime(timezone=True)),
    Column("agent_output_id", UUID(as_uuid=True), ForeignKey("adw_agent_outputs.id", ondelete="SET NULL")),
    Column("key", Text),
    UniqueConstraint("adw_id", "key"),
    Index("ix_adw_messages_adw_id", "adw_id", "created_at"),
)

kpis = Table(
    "adw_kpis",
    metadata,
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id"), nullable=False),
    Column("workflow_type", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("repair_rounds", Integer, nullable=False),
    Column("review_rounds", Integer, nullable=False),
    Column("plan_lines", Integer, nullable=False),
    Column("diff_files", Integer, nullable=False),
    Column("diff_additions", Integer, nullable=False),
    Column("diff_deletions", Integer, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Index("ix_adw_kpis_project_id", "project_id", "recorded_at"),
)
