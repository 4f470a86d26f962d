"""What we keep of GitHub: answers that may still hold, and how much of each credential is used up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now, none = sa.text("clock_timestamp()"), sa.text("0")
    op.create_table(
        "github_answers",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("credential", "request", name=op.f("pk_github_answers")),
    )
    op.create_index("ix_github_answers_used_at", "github_answers", ["used_at"])
    number: sa.Double[float] = sa.Double()
    op.create_table(
        "github_budgets",
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("allowance", sa.Integer(), nullable=True),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("resets_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("holds", sa.Integer(), server_default=none, nullable=False),
        sa.Column("points", number, server_default=none, nullable=False),
        sa.Column("writes_minute", number, server_default=none, nullable=False),
        sa.Column("writes_hour", number, server_default=none, nullable=False),
        sa.Column("drained_at", sa.DateTime(timezone=True), server_default=now, nullable=False),
        sa.PrimaryKeyConstraint("credential", "resource", name=op.f("pk_github_budgets")),
    )


def downgrade() -> None:
    op.drop_table("github_budgets")
    op.drop_table("github_answers")
