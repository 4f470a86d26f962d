"""Projects, workflows, events, agents' outputs, the orchestrator and its chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from adw.store.tables.types import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    "adw_meta",
    "projects",
    "adw_workflows",
    "adw_workflow_events",
    "adw_agent_outputs",
    "orchestrator_agents",
    "orchestrator_chat",
)


def upgrade() -> None:
    _adw_meta()
    _projects()
    _adw_workflows()
    _adw_workflow_events()
    _adw_agent_outputs()
    _orchestrator_agents()
    _orchestrator_chat()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _adw_meta() -> None:
    op.create_table(
        "adw_meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_adw_meta")),
    )


def _projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("forge", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("base_branch", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("forge IN ('local', 'github')", name=op.f("ck_projects_forge_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("forge", "source", name=op.f("uq_projects_forge_source")),
    )


def _adw_workflows() -> None:
    op.create_table("adw_workflows", *_workflow_columns(), *_workflow_constraints())
    _workflow_indexes()


def _workflow_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("workflow_type", sa.Text(), nullable=False),
        sa.Column("phases", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("phase", sa.Text(), server_default="initialized", nullable=False),
        sa.Column("wait_reason", sa.Text(), nullable=True),
        sa.Column("paused_from", sa.Text(), nullable=True),
        sa.Column("pr_state", sa.Text(), server_default="none", nullable=False),
        sa.Column("pr_number", sa.Integer(), nullable=True),
        sa.Column("issue_number", sa.Integer(), nullable=True),
        sa.Column("issue_title", sa.Text(), nullable=False),
        sa.Column("issue_body", sa.Text(), nullable=False),
        sa.Column("issue_class", sa.Text(), nullable=True),
        sa.Column("branch_name", sa.Text(), nullable=True),
        sa.Column("base_branch", sa.Text(), nullable=False),
        sa.Column("base_sha", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=True),
        sa.Column("model_set", sa.Text(), server_default="base", nullable=False),
        sa.Column("budget_usd", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "trigger", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("worktree_path", sa.Text(), nullable=True),
        sa.Column("worktree_exists", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("backend_port", sa.Integer(), nullable=True),
        sa.Column("frontend_port", sa.Integer(), nullable=True),
        sa.Column("plan_file", sa.Text(), nullable=True),
        sa.Column("failure_class", sa.Text(), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("owner_epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leg", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_seq", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
    )


def _workflow_constraints() -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint(
            "(status = 'paused') = (paused_from IS NOT NULL)", name=op.f("ck_adw_workflows_origin_when_paused")
        ),
        sa.CheckConstraint(
            "(status = 'waiting') = (wait_reason IS NOT NULL) OR status = 'paused'",
            name=op.f("ck_adw_workflows_reason_when_waiting"),
        ),
        sa.CheckConstraint("adw_id ~ '^[0-9a-f]{8}$'", name=op.f("ck_adw_workflows_adw_id_form")),
        sa.CheckConstraint(
            "failure_class IN ('transient', 'usage_limit', 'budget_exceeded', 'agent_error', 'gate_failed', "
            "'conflict', 'forge', 'infrastructure', 'configuration', 'cancelled', 'internal')",
            name=op.f("ck_adw_workflows_failure_class_known"),
        ),
        sa.CheckConstraint(
            "model_set IN ('base', 'heavy', 'lightweight')", name=op.f("ck_adw_workflows_model_set_known")
        ),
        sa.CheckConstraint(
            "paused_from IN ('queued', 'active', 'waiting', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_adw_workflows_paused_from_known"),
        ),
        sa.CheckConstraint("phase ~ '^[a-z][a-z0-9_:-]*$'", name=op.f("ck_adw_workflows_phase_form")),
        sa.CheckConstraint(
            "pr_state IN ('none', 'draft', 'ready', 'merged', 'closed')", name=op.f("ck_adw_workflows_pr_state_known")
        ),
        sa.CheckConstraint(
            "status IN ('queued', 'active', 'waiting', 'paused', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_adw_workflows_status_known"),
        ),
        sa.CheckConstraint(
            "wait_reason IN ('approval', 'question', 'budget', 'usage_limit', 'review', 'ci')",
            name=op.f("ck_adw_workflows_wait_reason_known"),
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_adw_workflows_project_id")),
        sa.PrimaryKeyConstraint("adw_id", name=op.f("pk_adw_workflows")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_adw_workflows_idempotency_key")),
    )


def _workflow_indexes() -> None:
    op.create_index("ix_adw_workflows_created_at", "adw_workflows", ["created_at"], unique=False)
    op.create_index(
        "ix_adw_workflows_queue",
        "adw_workflows",
        ["priority", "created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index("ix_adw_workflows_status", "adw_workflows", ["status"], unique=False)
    op.create_index(
        "one_live_workflow_per_issue",
        "adw_workflows",
        ["project_id", "issue_number"],
        unique=True,
        postgresql_where=sa.text(
            "issue_number IS NOT NULL AND (status IN ('queued', 'active', 'waiting', 'paused') "
            "OR (status <> 'cancelled' AND pr_state IN ('draft', 'ready')))"
        ),
    )


def _adw_workflow_events() -> None:
    op.create_table(
        "adw_workflow_events",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("event_subtype", sa.Text(), nullable=True),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_workflow_events_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_workflow_events")),
        sa.UniqueConstraint("adw_id", "seq", name=op.f("uq_adw_workflow_events_adw_id_seq")),
    )
    op.create_index("ix_adw_workflow_events_feed", "adw_workflow_events", ["xid", "adw_id", "seq"], unique=False)


def _adw_agent_outputs() -> None:
    op.create_table(
        "adw_agent_outputs",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("agent_name", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), server_default="0", nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("output_text", sa.Text(), nullable=True),
        sa.Column("output_jsonl", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("success", sa.Boolean(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("failure_class", sa.Text(), nullable=True),
        sa.Column("stop_reason", sa.Text(), nullable=True),
        sa.Column("retry_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("turns", sa.Integer(), server_default="0", nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=14, scale=6), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("snapshot_sha", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_agent_outputs_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_agent_outputs")),
        sa.UniqueConstraint(
            "adw_id",
            "phase",
            "attempt",
            "agent_name",
            "round",
            name=op.f("uq_adw_agent_outputs_adw_id_phase_attempt_agent_name_round"),
        ),
    )


def _orchestrator_agents() -> None:
    op.create_table(
        "orchestrator_agents",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("working_dir", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_cost", sa.Numeric(precision=14, scale=6), server_default="0", nullable=False),
        sa.Column("status", sa.Text(), server_default="idle", nullable=False),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("archived", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('idle', 'executing', 'waiting', 'blocked', 'complete', 'archived')",
            name=op.f("ck_orchestrator_agents_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestrator_agents")),
    )
    op.create_index(
        "one_orchestrator_per_folder",
        "orchestrator_agents",
        ["working_dir"],
        unique=True,
        postgresql_where=sa.text("NOT archived"),
    )


def _orchestrator_chat() -> None:
    op.create_table(
        "orchestrator_chat",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("orchestrator_agent_id", sa.UUID(), nullable=False),
        sa.Column("sender_type", sa.Text(), nullable=False),
        sa.Column("receiver_type", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column(
            "metadata", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "receiver_type IN ('user', 'orchestrator', 'agent')", name=op.f("ck_orchestrator_chat_receiver_type_known")
        ),
        sa.CheckConstraint(
            "sender_type IN ('user', 'orchestrator', 'agent')", name=op.f("ck_orchestrator_chat_sender_type_known")
        ),
        sa.ForeignKeyConstraint(
            ["orchestrator_agent_id"],
            ["orchestrator_agents.id"],
            name=op.f("fk_orchestrator_chat_orchestrator_agent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestrator_chat")),
    )
    op.create_index(
        "ix_orchestrator_chat_order", "orchestrator_chat", ["orchestrator_agent_id", "created_at"], unique=False
    )
