"""Issues, pull requests, comments and reviews of the local forge."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLES = (
    "forge_counters",
    "issues",
    "pull_requests",
    "comments",
    "reviews",
)


def upgrade() -> None:
    _forge_counters()
    _issues()
    _pull_requests()
    _comments()
    _reviews()


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)


def _forge_counters() -> None:
    op.create_table(
        "forge_counters",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("last_number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_forge_counters")),
    )


def _issues() -> None:
    op.create_table(
        "issues",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("labels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_issues_closed_at")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_issues_state")),
        sa.CheckConstraint("number > 0", name=op.f("ck_issues_number")),
        sa.PrimaryKeyConstraint("project_id", "number", name=op.f("pk_issues")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_issues_project_id_key")),
    )


def _pull_requests() -> None:
    op.create_table(
        "pull_requests",
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("head_branch", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("merge_candidate_sha", sa.Text(), nullable=True),
        sa.Column("merge_sha", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'merged') = (merge_sha IS NOT NULL)", name=op.f("ck_pull_requests_merge_sha")),
        sa.CheckConstraint(
            "(state IN ('merged', 'closed')) = (closed_at IS NOT NULL)", name=op.f("ck_pull_requests_closed_at")
        ),
        sa.CheckConstraint("state IN ('draft', 'ready', 'merged', 'closed')", name=op.f("ck_pull_requests_state")),
        sa.CheckConstraint("number > 0", name=op.f("ck_pull_requests_number")),
        sa.PrimaryKeyConstraint("project_id", "number", name=op.f("pk_pull_requests")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_pull_requests_project_id_key")),
    )
    op.create_index(
        "uq_pull_requests_open_head",
        "pull_requests",
        ["project_id", "head_branch"],
        unique=True,
        postgresql_where=sa.text("state IN ('draft', 'ready')"),
    )


def _comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("project_id", "number", "key", name=op.f("uq_comments_project_id_number_key")),
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("head_sha", sa.Text(), nullable=False),
        sa.Column("comments", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column(
            "submitted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("jsonb_typeof(comments) = 'array'", name=op.f("ck_reviews_comments")),
        sa.CheckConstraint("state IN ('approved', 'changes_requested', 'commented')", name=op.f("ck_reviews_state")),
        sa.ForeignKeyConstraint(
            ["project_id", "number"],
            ["pull_requests.project_id", "pull_requests.number"],
            name=op.f("fk_reviews_project_id_number"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("project_id", "number", "key", name=op.f("uq_reviews_project_id_number_key")),
    )
