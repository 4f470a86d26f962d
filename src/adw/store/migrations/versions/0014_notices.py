"""What people are told outside of our own screens, and links by which they answer."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from adw.store.tables.types import Xid8

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_NONE = sa.text("'{}'")
_CHANNELS = "notification_channels"
_RULES = "notification_rules"
_DELIVERIES = "notification_deliveries"
_ITEMS = "notification_items"
_LINKS = "approval_links"


def upgrade() -> None:
    _channels()
    _rules()
    _deliveries()
    _items()
    _links()


def downgrade() -> None:
    for name in (_LINKS, _ITEMS, _DELIVERIES, _RULES, _CHANNELS):
        op.drop_table(name)


def _channels() -> None:
    op.create_table(
        _CHANNELS,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("link_hours", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        sa.CheckConstraint("kind IN ('webhook', 'slack', 'email')", name=op.f(f"ck_{_CHANNELS}_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_CHANNELS}")),
        sa.UniqueConstraint("name", name=op.f(f"uq_{_CHANNELS}_name")),
    )


def _rules() -> None:
    op.create_table(
        _RULES,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("events", ARRAY(sa.Text()), nullable=False),
        sa.Column("project_ids", ARRAY(sa.Text()), server_default=_NONE, nullable=False),
        sa.Column("urgent", ARRAY(sa.Text()), server_default=_NONE, nullable=False),
        sa.Column("digest_minutes", sa.Integer(), nullable=True),
        sa.Column("digest_at", ARRAY(sa.Integer()), server_default=_NONE, nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_until", sa.Integer(), nullable=True),
        sa.Column("zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fed_xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        sa.CheckConstraint("digest_minutes BETWEEN 1 AND 10080", name=op.f(f"ck_{_RULES}_digest_minutes")),
        sa.CheckConstraint(
            "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439"
            " OR (quiet_from IS NULL AND quiet_until IS NULL)",
            name=op.f(f"ck_{_RULES}_quiet_minutes"),
        ),
        _refers(_RULES, "channel_id", f"{_CHANNELS}.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_RULES}")),
    )
    op.create_index("ix_notification_rules_channel", _RULES, ["channel_id"])


def _deliveries() -> None:
    op.create_table(
        _DELIVERIES,
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        _moment("due_at", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        _moment("owned_until"),
        sa.Column("error", sa.Text(), nullable=True),
        _moment("created_at", now=True),
        _moment("ended_at"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'delivered', 'failed', 'dropped')",
            name=op.f(f"ck_{_DELIVERIES}_state_known"),
        ),
        _refers(_DELIVERIES, "channel_id", f"{_CHANNELS}.id"),
        _refers(_DELIVERIES, "rule_id", f"{_RULES}.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_DELIVERIES}")),
        sa.UniqueConstraint("rule_id", "key", name=op.f(f"uq_{_DELIVERIES}_rule_id_key")),
    )
    is_open, is_failed = sa.text("state IN ('waiting', 'sending')"), sa.text("state = 'failed'")
    op.create_index("ix_notification_deliveries_open", _DELIVERIES, ["due_at"], postgresql_where=is_open)
    op.create_index("ix_notification_deliveries_failed", _DELIVERIES, ["created_at"], postgresql_where=is_failed)
    op.create_index("ix_notification_deliveries_page", _DELIVERIES, ["created_at", "id"])
    op.create_index("ix_notification_deliveries_channel", _DELIVERIES, ["channel_id", "state"])


def _items() -> None:
    op.create_table(
        _ITEMS,
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        _refers(_ITEMS, "rule_id", f"{_RULES}.id"),
        _refers(_ITEMS, "adw_id", "adw_workflows.adw_id"),
        _refers(_ITEMS, "delivery_id", f"{_DELIVERIES}.id"),
        sa.PrimaryKeyConstraint("rule_id", "adw_id", "event_seq", name=op.f(f"pk_{_ITEMS}")),
    )
    op.create_index("ix_notification_items_delivery", _ITEMS, ["delivery_id"])
    op.create_index("ix_notification_items_workflow", _ITEMS, ["adw_id"])


def _links() -> None:
    op.create_table(
        _LINKS,
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("approval_id", UUID(as_uuid=True), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        _moment("created_at", now=True),
        _moment("expires_at", nullable=False),
        _moment("used_at"),
        _refers(_LINKS, "approval_id", "adw_approvals.id"),
        _refers(_LINKS, "channel_id", f"{_CHANNELS}.id"),
        sa.PrimaryKeyConstraint("digest", name=op.f(f"pk_{_LINKS}")),
    )
    op.create_index("ix_approval_links_approval", _LINKS, ["approval_id"])
    op.create_index("ix_approval_links_channel", _LINKS, ["channel_id"])


def _moment(name: str, *, now: bool = False, nullable: bool = True) -> sa.Column[Any]:
    moment = sa.DateTime(timezone=True)
    if now:
        return sa.Column(name, moment, server_default=_NOW, nullable=False)
    return sa.Column(name, moment, nullable=nullable)


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")
