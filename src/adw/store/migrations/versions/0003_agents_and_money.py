"""Transcripts of agents, requests to models, budgets, workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLES = (
    "agent_sessions",
    "agent_session_entries",
    "model_requests",
    "workflow_budgets",
    "workers",
)


def upgrade() -> None:
    _agent_sessions()
    _agent_session_entries()
    _model_requests()
    _workflow_budgets()
    _workers()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _agent_sessions() -> None:
    op.create_table(
        "agent_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_key", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("subpath", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_sessions")),
        sa.UniqueConstraint(
            "project_key", "session_id", "subpath", name=op.f("uq_agent_sessions_project_key_session_id_subpath")
        ),
    )


def _agent_session_entries() -> None:
    op.create_table(
        "agent_session_entries",
        sa.Column("agent_session_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("uuid", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_session_id"],
            ["agent_sessions.id"],
            name=op.f("fk_agent_session_entries_agent_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("agent_session_id", "position", name=op.f("pk_agent_session_entries")),
        sa.UniqueConstraint("agent_session_id", "uuid", name=op.f("uq_agent_session_entries_agent_session_id_uuid")),
    )


def _model_requests() -> None:
    op.create_table(
        "model_requests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("agent_run_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("max_tokens", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved_usd", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("cost_usd", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("inexact", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("first_byte_ms", sa.Integer(), nullable=True),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'refused') = (refusal IS NOT NULL)", name=op.f("ck_model_requests_refusal_when_refused")
        ),
        sa.CheckConstraint(
            "(state = 'reserved') = (ended_at IS NULL)", name=op.f("ck_model_requests_ended_unless_reserved")
        ),
        sa.CheckConstraint("refusal IN ('budget', 'unpriced_model')", name=op.f("ck_model_requests_refusal_known")),
        sa.CheckConstraint(
            "state IN ('reserved', 'settled', 'refused', 'failed')", name=op.f("ck_model_requests_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_requests")),
    )
    op.create_index("ix_model_requests_adw_id", "model_requests", ["adw_id", "phase"], unique=False)
    op.create_index(
        "ix_model_requests_open",
        "model_requests",
        ["adw_id"],
        unique=False,
        postgresql_where=sa.text("state = 'reserved'"),
    )
    op.create_index("ix_model_requests_started_at", "model_requests", ["started_at"], unique=False)


def _workflow_budgets() -> None:
    op.create_table(
        "workflow_budgets",
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("budget_usd", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("spent_usd", sa.Numeric(precision=14, scale=6), server_default=sa.text("0"), nullable=False),
        sa.Column("held_usd", sa.Numeric(precision=14, scale=6), server_default=sa.text("0"), nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("budget_usd >= 0", name=op.f("ck_workflow_budgets_budget_not_negative")),
        sa.CheckConstraint("held_usd >= 0", name=op.f("ck_workflow_budgets_held_not_negative")),
        sa.PrimaryKeyConstraint("adw_id", name=op.f("pk_workflow_budgets")),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("process_started_at", sa.BigInteger(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("code_revision", sa.Text(), nullable=False),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("beat_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "end_reason IN ('closed', 'lease_expired', 'process_gone', 'recovered')",
            name=op.f("ck_workers_end_reason_known"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name=op.f("ck_workers_end_has_reason")),
        sa.CheckConstraint("concurrency > 0", name=op.f("ck_workers_concurrency_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_index(
        "ix_workers_live", "workers", ["host_id"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
