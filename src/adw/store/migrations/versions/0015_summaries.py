"""A sentence or two on each phase, written by a model when a project wants that; questions of agents at work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLE = "adw_phases"
_INDEX = "adw_phases_to_summarize"
_BEFORE = "'plan_approval', 'budget', 'ship_approval', 'conflict', 'feedback', 'revert'"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("summary", sa.Text(), nullable=True))
    op.add_column(_TABLE, sa.Column("summary_tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column(_TABLE, sa.Column("summary_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index(_INDEX, _TABLE, ["ended_at"], postgresql_where=sa.text("summary_tries > 0 AND summary IS NULL"))
    _approval_kinds(f"{_BEFORE}, 'question'")


def downgrade() -> None:
    op.execute("DELETE FROM adw_approvals WHERE kind = 'question'")
    _approval_kinds(_BEFORE)
    op.drop_index(_INDEX, _TABLE)
    for name in ("summary", "summary_tries", "summary_until"):
        op.drop_column(_TABLE, name)


def _approval_kinds(known: str) -> None:
    name = op.f("ck_adw_approvals_kind_known")
    op.drop_constraint(name, "adw_approvals")
    op.create_check_constraint(name, "adw_approvals", f"kind IN ({known})")
