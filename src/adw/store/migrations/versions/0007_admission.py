"""Why a queued workflow waits, what it waits for, and whose turn it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WORKFLOW = ("depends_on", "project_limit", "queued_at", "queued_because")
_QUEUED = sa.text("status = 'queued'")


def upgrade() -> None:
    _workflows()
    op.add_column("projects", sa.Column("remote", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("served_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workers", sa.Column("shortage", sa.Text(), nullable=True))
    op.create_table(
        "host_starts",
        sa.Column("host_id", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_host_starts")),
    )


def downgrade() -> None:
    op.drop_table("host_starts")
    op.drop_column("workers", "shortage")
    op.drop_column("projects", "served_at")
    op.drop_column("projects", "remote")
    op.drop_index("ix_adw_workflows_forked_from", "adw_workflows")
    op.drop_index("ix_adw_workflows_active", "adw_workflows")
    op.drop_index("ix_adw_workflows_project_page", "adw_workflows")
    op.drop_index("ix_adw_workflows_page", "adw_workflows")
    op.drop_index("ix_adw_workflows_turn", "adw_workflows")
    op.drop_constraint(op.f("ck_adw_workflows_depends_on_others"), "adw_workflows")
    for name in reversed(_WORKFLOW):
        op.drop_column("adw_workflows", name)


def _workflows() -> None:
    empty, now = sa.text("'{}'::text[]"), sa.text("clock_timestamp()")
    op.add_column("adw_workflows", sa.Column("depends_on", ARRAY(sa.Text()), server_default=empty, nullable=False))
    op.add_column("adw_workflows", sa.Column("project_limit", sa.Integer(), nullable=True))
    # a default that differs by row would rewrite the table under a lock; what is there already gets its own time
    op.add_column("adw_workflows", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("adw_workflows", "queued_at", server_default=now)
    op.execute("UPDATE adw_workflows SET queued_at = created_at WHERE status = 'queued'")
    op.add_column("adw_workflows", sa.Column("queued_because", JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_adw_workflows_depends_on_others"), "adw_workflows", "NOT adw_id = ANY (depends_on)"
    )
    columns = ["project_id", "priority", "project_limit", "queued_at"]
    op.create_index("ix_adw_workflows_turn", "adw_workflows", columns, postgresql_where=_QUEUED)
    op.create_index("ix_adw_workflows_page", "adw_workflows", ["created_at", "adw_id"])
    op.create_index("ix_adw_workflows_project_page", "adw_workflows", ["project_id", "created_at", "adw_id"])
    active = sa.text("status = 'active'")
    op.create_index("ix_adw_workflows_active", "adw_workflows", ["project_id"], postgresql_where=active)
    op.create_index("ix_adw_workflows_forked_from", "adw_workflows", ["forked_from"])
