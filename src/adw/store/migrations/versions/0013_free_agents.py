"""Agents that the orchestrator commands, and what they are told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_AGENTS = "free_agents"
_COMMANDS = "free_agent_commands"
_LOG = "free_agent_log"
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column("workflow_budgets", sa.Column("part_of", sa.Text(), nullable=True))
    _agents()
    _commands()
    _log()


def downgrade() -> None:
    for table in (_LOG, _COMMANDS, _AGENTS):
        op.drop_table(table)
    op.drop_column("workflow_budgets", "part_of")


def _agents() -> None:
    op.create_table(
        _AGENTS,
        sa.Column("id", UUID(as_uuid=True), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("orchestrator_agent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=True),
        sa.Column("base_sha", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), nullable=True),
        sa.Column("system_prompt", sa.Text(), nullable=False),
        sa.Column("tools", ARRAY(sa.Text()), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("budget_usd", sa.Numeric(14, 6), nullable=True),
        sa.Column("status", sa.Text(), server_default="idle", nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        *(_count(name) for name in ("input_tokens", "output_tokens", "context_tokens")),
        sa.Column("total_cost", sa.Numeric(14, 6), server_default="0", nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("host", "place", "snapshot_sha", "kept_as", "key")),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("owned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('idle', 'executing', 'interrupted', 'failed', 'deleted')",
            name=op.f("ck_free_agents_status_known"),
        ),
        sa.CheckConstraint(
            "(status = 'deleted') = (deleted_at IS NOT NULL)", name=op.f("ck_free_agents_deleted_has_time")
        ),
        sa.CheckConstraint("(project_id IS NULL) = (base_sha IS NULL)", name=op.f("ck_free_agents_project_has_base")),
        sa.CheckConstraint("budget_usd >= 0", name=op.f("ck_free_agents_budget_not_negative")),
        sa.ForeignKeyConstraint(
            ["orchestrator_agent_id"],
            ["orchestrator_agents.id"],
            name=op.f("fk_free_agents_orchestrator_agent_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_free_agents_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_free_agents")),
    )
    whose = "orchestrator_agent_id"
    living, has_key = sa.text("deleted_at IS NULL"), sa.text("key IS NOT NULL")
    op.create_index("one_free_agent_per_name", _AGENTS, [whose, "name"], unique=True, postgresql_where=living)
    op.create_index("one_free_agent_per_key", _AGENTS, [whose, "key"], unique=True, postgresql_where=has_key)


def _commands() -> None:
    op.create_table(
        _COMMANDS,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("agent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        *(_count(name) for name in ("input_tokens", "output_tokens")),
        sa.Column("cost_usd", sa.Numeric(14, 6), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'executing', 'done', 'interrupted', 'failed')",
            name=op.f("ck_free_agent_commands_state_known"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state IN ('queued', 'executing'))", name=op.f("ck_free_agent_commands_end_has_time")
        ),
        _of_agent(_COMMANDS),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_free_agent_commands")),
    )
    whose = "agent_id"
    running, has_key = sa.text("state = 'executing'"), sa.text("key IS NOT NULL")
    op.create_index("one_command_at_a_time", _COMMANDS, [whose], unique=True, postgresql_where=running)
    op.create_index("one_command_per_key", _COMMANDS, [whose, "key"], unique=True, postgresql_where=has_key)
    is_open = sa.text("state IN ('queued', 'executing')")
    op.create_index("ix_free_agent_commands_open", _COMMANDS, [whose, "id"], postgresql_where=is_open)
    op.create_index("ix_free_agent_commands_agent", _COMMANDS, [whose, "id"])


def _log() -> None:
    op.create_table(
        _LOG,
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("agent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("metadata", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint(
            "kind IN ('command', 'text', 'thinking', 'tool_use', 'tool_result', 'answer', 'notice')",
            name=op.f("ck_free_agent_log_kind_known"),
        ),
        _of_agent(_LOG),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_free_agent_log")),
    )
    op.create_index("ix_free_agent_log_agent", _LOG, ["agent_id", "seq"])


def _of_agent(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["agent_id"], ["free_agents.id"], name=op.f(f"fk_{table}_agent_id"), ondelete="CASCADE"
    )


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
