"""Budgets of projects and of the whole installation, and the limits of model credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WAITING = "ix_adw_workflows_waiting"


def upgrade() -> None:
    op.add_column("adw_workflows", sa.Column("resume_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("adw_workflows", sa.Column("wait_scope", sa.Text(), nullable=True))
    op.add_column("adw_workflows", sa.Column("wait_usd", sa.Numeric(14, 6), nullable=True))
    op.create_index(
        _WAITING, "adw_workflows", ["wait_reason", "wait_scope"], postgresql_where=sa.text("status = 'waiting'")
    )
    op.add_column("model_requests", sa.Column("asked_model", sa.Text(), nullable=True))
    op.add_column("model_requests", sa.Column("refusal_scope", sa.Text(), nullable=True))
    _budgets()
    _limits()


def downgrade() -> None:
    op.drop_table("model_limits")
    op.drop_table("budgets")
    op.drop_column("model_requests", "refusal_scope")
    op.drop_column("model_requests", "asked_model")
    op.drop_index(_WAITING, "adw_workflows")
    op.drop_column("adw_workflows", "wait_usd")
    op.drop_column("adw_workflows", "wait_scope")
    op.drop_column("adw_workflows", "resume_at")


def _budgets() -> None:
    zero = sa.text("0")
    op.create_table(
        "budgets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("budget_usd", sa.Numeric(14, 6), nullable=False),
        sa.Column("spent_usd", sa.Numeric(14, 6), server_default=zero, nullable=False),
        sa.Column("held_usd", sa.Numeric(14, 6), server_default=zero, nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=True),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("period IN ('month', 'total')", name=op.f("ck_budgets_period_known")),
        sa.CheckConstraint("(period = 'month') = (period_start IS NOT NULL)", name=op.f("ck_budgets_start_of_month")),
        sa.CheckConstraint("budget_usd >= 0", name=op.f("ck_budgets_budget_not_negative")),
        sa.CheckConstraint("held_usd >= 0", name=op.f("ck_budgets_held_not_negative")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_budgets_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint(
            "project_id", "period", name=op.f("uq_budgets_project_id_period"), postgresql_nulls_not_distinct=True
        ),
    )


def _limits() -> None:
    op.create_table(
        "model_limits",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("resets_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("probe", sa.Text(), nullable=True),
        sa.Column("probed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('rate_limit', 'usage_limit', 'overloaded')", name=op.f("ck_model_limits_kind_known")
        ),
        sa.PrimaryKeyConstraint("credential", "model", name=op.f("pk_model_limits")),
    )
