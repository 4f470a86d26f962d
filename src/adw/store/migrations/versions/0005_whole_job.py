"""Merges, forks, takeovers, messages to agents, and what a run achieved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_LIVE = (
    "status IN ('queued', 'active', 'waiting', 'paused') OR (status <> 'cancelled' AND pr_state IN ('draft', 'ready'))"
)
_COLUMNS = ("merge_sha", "forked_from", "rewind_to", "held_by")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("adw_workflows", sa.Column(name, sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_adw_workflows_forked_from"),
        "adw_workflows",
        "adw_workflows",
        ["forked_from"],
        ["adw_id"],
        ondelete="SET NULL",
    )
    _live_index(f"issue_number IS NOT NULL AND forked_from IS NULL AND ({_LIVE})")
    _approval_kinds("'plan_approval', 'budget', 'ship_approval', 'conflict'")
    _messages()
    _kpis()


def downgrade() -> None:
    op.drop_table("adw_kpis")
    op.drop_table("adw_messages")
    op.execute("DELETE FROM adw_approvals WHERE kind NOT IN ('plan_approval', 'budget')")
    _approval_kinds("'plan_approval', 'budget'")
    # a fork may share its issue with a live workflow, which the older index forbids
    op.execute("DELETE FROM adw_workflows WHERE forked_from IS NOT NULL")
    _live_index(f"issue_number IS NOT NULL AND ({_LIVE})")
    op.drop_constraint(op.f("fk_adw_workflows_forked_from"), "adw_workflows")
    for name in reversed(_COLUMNS):
        op.drop_column("adw_workflows", name)


def _live_index(where: str) -> None:
    op.drop_index("one_live_workflow_per_issue", "adw_workflows")
    op.create_index(
        "one_live_workflow_per_issue",
        "adw_workflows",
        ["project_id", "issue_number"],
        unique=True,
        postgresql_where=sa.text(where),
    )


def _approval_kinds(known: str) -> None:
    name = op.f("ck_adw_approvals_kind_known")
    op.drop_constraint(name, "adw_approvals")
    op.create_check_constraint(name, "adw_approvals", f"kind IN ({known})")


def _messages() -> None:
    op.create_table(
        "adw_messages",
        sa.Column("id", sa.UUID(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_output_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_messages_adw_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["agent_output_id"],
            ["adw_agent_outputs.id"],
            name=op.f("fk_adw_messages_agent_output_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adw_messages")),
    )
    op.create_index("ix_adw_messages_adw_id", "adw_messages", ["adw_id", "created_at"])


def _kpis() -> None:
    numbers = ("attempts", "repair_rounds", "review_rounds", "plan_lines")
    sizes = ("diff_files", "diff_additions", "diff_deletions")
    op.create_table(
        "adw_kpis",
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("workflow_type", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in (*numbers, *sizes)),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_kpis_adw_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_adw_kpis_project_id")),
        sa.PrimaryKeyConstraint("adw_id", name=op.f("pk_adw_kpis")),
    )
    op.create_index("ix_adw_kpis_project_id", "adw_kpis", ["project_id", "recorded_at"])
