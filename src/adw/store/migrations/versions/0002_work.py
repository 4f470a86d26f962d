"""What workflows leave behind: phases, evidence, artifacts, approvals, effects, ports, baselines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = (
    "adw_phases",
    "adw_evidence",
    "adw_artifacts",
    "adw_approvals",
    "adw_effects",
    "port_leases",
    "adw_baselines",
)


def upgrade() -> None:
    _adw_phases()
    _adw_evidence()
    _adw_artifacts()
    _adw_approvals()
    _adw_effects()
    _port_leases()
    _adw_baselines()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _adw_phases() -> None:
    op.create_table(
        "adw_phases",
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("commit_before", sa.Text(), nullable=True),
        sa.Column("commit_after", sa.Text(), nullable=True),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "started_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'failed', 'cancelled', 'superseded')",
            name=op.f("ck_adw_phases_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_phases_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adw_id", "phase", "attempt", name=op.f("pk_adw_phases")),
    )


def _adw_evidence() -> None:
    op.create_table(
        "adw_evidence",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("gate", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("commit_sha", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("superseded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "outcome IN ('passed', 'failed', 'not_applicable')", name=op.f("ck_adw_evidence_outcome_known")
        ),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_evidence_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_evidence")),
        sa.UniqueConstraint(
            "adw_id",
            "phase",
            "attempt",
            "gate",
            "commit_sha",
            "config_hash",
            name=op.f("uq_adw_evidence_adw_id_phase_attempt_gate_commit_sha_config_hash"),
        ),
    )


def _adw_artifacts() -> None:
    op.create_table(
        "adw_artifacts",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_artifacts_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_artifacts")),
        sa.UniqueConstraint("adw_id", "name", name=op.f("uq_adw_artifacts_adw_id_name")),
    )


def _adw_approvals() -> None:
    op.create_table(
        "adw_approvals",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("decision", sa.Text(), server_default="pending", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(
            "decision IN ('pending', 'allowed', 'denied', 'expired')", name=op.f("ck_adw_approvals_decision_known")
        ),
        sa.CheckConstraint("kind IN ('plan_approval', 'budget')", name=op.f("ck_adw_approvals_kind_known")),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_approvals_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_approvals")),
        sa.UniqueConstraint("adw_id", "key", name=op.f("uq_adw_approvals_adw_id_key")),
    )
    op.create_index(
        "ix_adw_approvals_pending",
        "adw_approvals",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("decision = 'pending'"),
    )


def _adw_effects() -> None:
    op.create_table(
        "adw_effects",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_effects_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_adw_effects")),
    )


def _port_leases() -> None:
    op.create_table(
        "port_leases",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("purpose IN ('backend', 'frontend')", name=op.f("ck_port_leases_purpose_known")),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_port_leases_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("host", "port", name=op.f("pk_port_leases")),
        sa.UniqueConstraint("adw_id", "purpose", name=op.f("uq_port_leases_adw_id_purpose")),
    )


def _adw_baselines() -> None:
    op.create_table(
        "adw_baselines",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("commit_sha", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.Text(), nullable=False),
        sa.Column(
            "result", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_adw_baselines_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "commit_sha", "config_hash", name=op.f("pk_adw_baselines")),
    )
