"""What requests with an idempotency key were answered, and keys of messages to agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "api_replays",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_replays")),
    )
    op.create_index("ix_api_replays_created_at", "api_replays", ["created_at"])
    op.add_column("adw_messages", sa.Column("key", sa.Text(), nullable=True))
    op.create_unique_constraint(op.f("uq_adw_messages_adw_id_key"), "adw_messages", ["adw_id", "key"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_adw_messages_adw_id_key"), "adw_messages", type_="unique")
    op.drop_column("adw_messages", "key")
    op.drop_table("api_replays")
