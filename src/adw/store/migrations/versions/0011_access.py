"""Tokens people and programs get in with, sessions of browsers, and who did what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    _tokens()
    _links()
    _sessions()
    _audit()


def downgrade() -> None:
    for name in ("audit_entries", "web_sessions", "login_links", "api_tokens"):
        op.drop_table(name)


def _tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        _moment("created_at", default=_NOW),
        _moment("expires_at"),
        _moment("last_used_at"),
        _moment("revoked_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
        _known_scope("api_tokens"),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index("uq_api_tokens_live_name", "api_tokens", ["name"], unique=True, postgresql_where=live)


def _links() -> None:
    op.create_table(
        "login_links",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=True),
        _moment("created_at", default=_NOW),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_links")),
        _of_token("login_links"),
        _known_scope("login_links"),
    )


def _sessions() -> None:
    op.create_table(
        "web_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=True),
        _moment("created_at", default=_NOW),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_web_sessions_digest")),
        _of_token("web_sessions"),
        _known_scope("web_sessions"),
    )


def _audit() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _moment("at", default=_NOW),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=True),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("repeats", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("repeats", name=op.f("uq_audit_entries_repeats")),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])


def _known_scope(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("scope IN ('read', 'operate', 'admin')", name=op.f(f"ck_{table}_scope_known"))


def _of_token(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_token_id")
    return sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name=name, ondelete="CASCADE")


def _moment(name: str, *, default: sa.TextClause | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=default is None)
