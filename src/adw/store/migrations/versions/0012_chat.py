"""Conversations with the orchestrator agent, and the agents it commands."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from adw.store.tables.types import Xid8

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AGENTS = "orchestrator_agents"
_CHAT = "orchestrator_chat"
_INBOX = "orchestrator_inbox"


def upgrade() -> None:
    _agents()
    _chat()
    _inbox()


def downgrade() -> None:
    op.drop_table(_INBOX)
    op.drop_index("ix_orchestrator_chat_seq", _CHAT)
    op.drop_index("one_answer_per_turn", _CHAT)
    op.drop_constraint(op.f("ck_orchestrator_chat_kind_known"), _CHAT)
    for column in reversed(_new_of_chat()):
        op.drop_column(_CHAT, column.name)
    op.drop_constraint(op.f("ck_orchestrator_agents_quiet_minutes"), _AGENTS)
    op.drop_constraint(op.f("ck_orchestrator_agents_budget_not_negative"), _AGENTS)
    for column in reversed(_new_of_agents()):
        op.drop_column(_AGENTS, column.name)


def _agents() -> None:
    for column in _new_of_agents():
        op.add_column(_AGENTS, column)
    op.create_check_constraint(op.f("ck_orchestrator_agents_budget_not_negative"), _AGENTS, "budget_usd >= 0")
    op.create_check_constraint(
        op.f("ck_orchestrator_agents_quiet_minutes"),
        _AGENTS,
        "quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439"
        " OR (quiet_from IS NULL AND quiet_until IS NULL)",
    )


def _chat() -> None:
    for column in _new_of_chat():
        op.add_column(_CHAT, column)
    op.create_check_constraint(
        op.f("ck_orchestrator_chat_kind_known"),
        _CHAT,
        "kind IN ('message', 'event', 'text', 'thinking', 'tool_use', 'tool_result', 'answer', 'notice')",
    )
    is_answer = sa.text("kind = 'answer'")
    op.create_index("one_answer_per_turn", _CHAT, ["turn_id"], unique=True, postgresql_where=is_answer)
    op.create_index("ix_orchestrator_chat_seq", _CHAT, ["orchestrator_agent_id", "seq"])


def _inbox() -> None:
    op.create_table(
        _INBOX,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("orchestrator_agent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("adw_id", sa.Text(), nullable=True),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('message', 'event')", name=op.f("ck_orchestrator_inbox_kind_known")),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'answered', 'interrupted', 'refused', 'failed', 'dropped')",
            name=op.f("ck_orchestrator_inbox_state_known"),
        ),
        sa.CheckConstraint(
            "(kind = 'event') = (event_seq IS NOT NULL AND adw_id IS NOT NULL)",
            name=op.f("ck_orchestrator_inbox_event_named"),
        ),
        sa.ForeignKeyConstraint(
            ["orchestrator_agent_id"],
            ["orchestrator_agents.id"],
            name=op.f("fk_orchestrator_inbox_orchestrator_agent_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orchestrator_inbox")),
    )
    _inbox_indexes()


def _inbox_indexes() -> None:
    whose = "orchestrator_agent_id"
    is_event, has_key = sa.text("kind = 'event'"), sa.text("key IS NOT NULL")
    op.create_index(
        "one_inbox_item_per_event", _INBOX, [whose, "adw_id", "event_seq"], unique=True, postgresql_where=is_event
    )
    op.create_index("one_inbox_item_per_key", _INBOX, [whose, "key"], unique=True, postgresql_where=has_key)
    is_open = sa.text("state IN ('waiting', 'running')")
    op.create_index("ix_orchestrator_inbox_open", _INBOX, [whose, "id"], postgresql_where=is_open)


def _new_of_agents() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("budget_usd", sa.Numeric(14, 6), nullable=True),
        sa.Column("wake", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_until", sa.Integer(), nullable=True),
        sa.Column("quiet_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("context_tokens", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("interrupted_turn", sa.BigInteger(), nullable=True),
        sa.Column("fed_xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned_until", sa.DateTime(timezone=True), nullable=True),
    )


def _new_of_chat() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), server_default="message", nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
    )
