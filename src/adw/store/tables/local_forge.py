"""Tables of the local forge. Rows are never deleted; the counter's row is the lock under which numbers are given."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adw.store.metadata import metadata

forge_counters = Table(
    "forge_counters",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("last_number", Integer, nullable=False, server_default=text("0")),
)

issues = Table(
    "issues",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("author", Text, nullable=False),
    Column("labels", ARRAY(Text), nullable=False),
    Column("key", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("closed_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("project_id", "number"),
    UniqueConstraint("project_id", "key"),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
    CheckConstraint("number > 0", name="number"),
)

pull_requests = Table(
    "pull_requests",
    metadata,
    Column("project_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("head_branch", Text, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("key", Text),
    Column("merge_candidate_sha", Text),
    Column("merge_sha", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("closed_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("project_id", "number"),
    UniqueConstraint("project_id", "key"),
    CheckConstraint("state IN ('draft', 'ready', 'merged', 'closed')", name="state"),
    CheckConstraint("(state = 'merged') = (merge_sha IS NOT NULL)", name="merge_sha"),
    CheckConstraint("(state IN ('merged', 'closed')) = (closed_at IS NOT NULL)", name="closed_at"),
    CheckConstraint("number > 0", name="number"),
    Index(
        "uq_pull_requests_open_head",
        "project_id",
        "head_branch",
        unique=True,
        postgresql_where=text("state IN ('draft', 'ready')"),
    ),
)

comments = Table(
    "comments",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("key", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("project_id", "number", "key"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("head_sha", Text, nullable=False),
    Column("comments", JSONB, nullable=False, server_default=text("'[]'")),
    Column("key", Text),
    Column("submitted_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("project_id", "number", "key"),
    ForeignKeyConstraint(["project_id", "number"], ["pull_requests.project_id", "pull_requests.number"]),
    CheckConstraint("state IN ('approved', 'changes_requested', 'commented')", name="state"),
    CheckConstraint("jsonb_typeof(comments) = 'array'", name="comments"),
)

review_threads = Table(
    "review_threads",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("review_id", BigInteger, ForeignKey("reviews.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer),
    Column("resolved_at", DateTime(timezone=True)),
    UniqueConstraint("review_id", "position"),
    Index("ix_review_threads_pull", "project_id", "number"),
)

thread_comments = Table(
    "review_thread_comments",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("thread_id", BigInteger, ForeignKey("review_threads.id"), nullable=False),
    Column("body", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("key", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("thread_id", "key"),
)
