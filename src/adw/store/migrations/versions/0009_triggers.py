"""What forges told us, what became of it, and work that starts by the clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_SOURCES = ("webhook", "poll", "schedule")
_OUTCOMES = ("pending", "started", "handed_on", "ignored", "refused", "duplicate", "failed")


def upgrade() -> None:
    _deliveries()
    _understood()
    _polls()
    _schedules()


def downgrade() -> None:
    for name in ("schedules", "trigger_polls", "trigger_replies", "trigger_intents", "webhook_deliveries"):
        op.drop_table(name)


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("guid", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("semantic_key", sa.Text(), nullable=True),
        sa.Column("repository", sa.Text(), nullable=True),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("notice", JSONB(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("adw_id", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _moment("due_at", now=True),
        _moment("received_at", now=True),
        _moment("settled_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("guid", name=op.f("uq_webhook_deliveries_guid")),
        sa.UniqueConstraint("semantic_key", name=op.f("uq_webhook_deliveries_semantic_key")),
        _of_project("webhook_deliveries"),
        _one_of("webhook_deliveries", "source", _SOURCES),
        _one_of("webhook_deliveries", "outcome", _OUTCOMES),
    )
    pending = sa.text("outcome = 'pending'")
    op.create_index("ix_webhook_deliveries_pending", "webhook_deliveries", ["due_at"], postgresql_where=pending)
    op.create_index("ix_webhook_deliveries_received_at", "webhook_deliveries", ["received_at"])


def _understood() -> None:
    op.create_table(
        "trigger_intents",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("issue_number", sa.Integer(), nullable=False),
        sa.Column("intent", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "issue_number", "intent", name=op.f("pk_trigger_intents")),
        _of_project("trigger_intents"),
    )
    op.create_table(
        "trigger_replies",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        sa.PrimaryKeyConstraint("project_id", "number", "reason", name=op.f("pk_trigger_replies")),
        _of_project("trigger_replies"),
    )
    op.create_index("ix_trigger_replies_person", "trigger_replies", ["project_id", "person"])


def _polls() -> None:
    op.create_table(
        "trigger_polls",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        _moment("leased_until"),
        _moment("due_at", now=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        _moment("looked_at"),
        sa.Column("first_number", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_trigger_polls")),
        _of_project("trigger_polls"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("is_from_file", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        _moment("last_due_at"),
        _moment("created_at", now=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_schedules_project_id_digest")),
        _of_project("schedules"),
    )
    op.create_index("ix_schedules_due_at", "schedules", ["due_at"])


def _of_project(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_project_id")
    return sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=name, ondelete="CASCADE")


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _moment(name: str, *, now: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=_NOW if now else None, nullable=not now)
