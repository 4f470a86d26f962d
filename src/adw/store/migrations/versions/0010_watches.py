"""Open pull requests we look after, and threads of the local forge's reviews."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_BEFORE = "'plan_approval', 'budget', 'ship_approval', 'conflict'"
_NOW = sa.text("clock_timestamp()")
_EMPTY = sa.text("'{}'::text[]")


def upgrade() -> None:
    _watches()
    _requests()
    _threads()
    _thread_comments()
    op.add_column("adw_workflows", sa.Column("open_pull_limit", sa.Integer(), nullable=True))
    waits = sa.text("pr_state IN ('draft', 'ready')")
    op.create_index("ix_adw_workflows_open_pulls", "adw_workflows", ["project_id"], postgresql_where=waits)
    _approval_kinds(f"{_BEFORE}, 'feedback', 'revert'")
    op.execute(
        "INSERT INTO adw_watches (adw_id) SELECT adw_id FROM adw_workflows"
        " WHERE pr_state IN ('draft', 'ready') AND pr_number IS NOT NULL AND status <> 'cancelled'"
    )
    _carry_over()


def downgrade() -> None:
    op.execute("DELETE FROM adw_approvals WHERE kind IN ('feedback', 'revert')")
    _approval_kinds(_BEFORE)
    op.drop_index("ix_adw_workflows_open_pulls", "adw_workflows")
    op.drop_column("adw_workflows", "open_pull_limit")
    op.drop_table("review_thread_comments")
    op.drop_table("review_threads")
    op.drop_table("adw_round_requests")
    op.drop_table("adw_watches")


def _watches() -> None:
    op.create_table(
        "adw_watches",
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), server_default="open", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("woken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quiet", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.Text(), nullable=True),
        sa.Column("history", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("resolved", ARRAY(sa.Text()), server_default=_EMPTY, nullable=False),
        sa.Column("conflicts", ARRAY(sa.Text()), server_default=_EMPTY, nullable=False),
        sa.Column("forecast", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("stage IN ('open', 'over', 'after', 'done')", name=op.f("ck_adw_watches_stage_known")),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_watches_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adw_id", name=op.f("pk_adw_watches")),
    )
    op.create_index("ix_adw_watches_due", "adw_watches", ["due_at"], postgresql_where=sa.text("stage <> 'done'"))


def _requests() -> None:
    op.create_table(
        "adw_round_requests",
        sa.Column("adw_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["adw_id"], ["adw_workflows.adw_id"], name=op.f("fk_adw_round_requests_adw_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("adw_id", "key", name=op.f("pk_adw_round_requests")),
    )


def _threads() -> None:
    op.create_table(
        "review_threads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_threads_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_threads")),
        sa.UniqueConstraint("review_id", "position", name=op.f("uq_review_threads_review_id_position")),
    )
    op.create_index("ix_review_threads_pull", "review_threads", ["project_id", "number"])


def _thread_comments() -> None:
    op.create_table(
        "review_thread_comments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["thread_id"], ["review_threads.id"], name=op.f("fk_review_thread_comments_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_thread_comments")),
        sa.UniqueConstraint("thread_id", "key", name=op.f("uq_review_thread_comments_thread_id_key")),
    )


def _carry_over() -> None:
    """What reviews said about lines becomes threads; the first remark keeps its author and time."""
    op.execute(
        "INSERT INTO review_threads (project_id, number, review_id, position, path, line)"
        " SELECT r.project_id, r.number, r.id, c.position, c.remark->>'path', (c.remark->>'line')::int"
        " FROM reviews AS r, jsonb_array_elements(r.comments) WITH ORDINALITY AS c(remark, position)"
        " ORDER BY r.id, c.position"
    )
    op.execute(
        "INSERT INTO review_thread_comments (thread_id, body, author, created_at)"
        " SELECT t.id, r.comments->(t.position - 1)->>'body', r.author, r.submitted_at"
        " FROM review_threads AS t JOIN reviews AS r ON r.id = t.review_id ORDER BY t.id"
    )


def _approval_kinds(known: str) -> None:
    name = op.f("ck_adw_approvals_kind_known")
    op.drop_constraint(name, "adw_approvals")
    op.create_check_constraint(name, "adw_approvals", f"kind IN ({known})")
