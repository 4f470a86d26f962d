"""Calls of agents' tools that a person must allow, may change, and that are made once for each answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TABLE = "adw_approvals"
_BEFORE = "'plan_approval', 'budget', 'ship_approval', 'conflict', 'feedback', 'revert', 'question'"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("edited_input", postgresql.JSONB(), nullable=True))
    op.add_column(_TABLE, sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    _approval_kinds(f"{_BEFORE}, 'tool'")


def downgrade() -> None:
    op.execute("DELETE FROM adw_approvals WHERE kind = 'tool'")
    _approval_kinds(_BEFORE)
    for name in ("edited_input", "used_at"):
        op.drop_column(_TABLE, name)


def _approval_kinds(known: str) -> None:
    name = op.f("ck_adw_approvals_kind_known")
    op.drop_constraint(name, _TABLE)
    op.create_check_constraint(name, _TABLE, f"kind IN ({known})")
