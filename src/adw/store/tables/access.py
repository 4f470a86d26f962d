"""Tokens that were given out, links to log in by, sessions of browsers, and who changed what.

Secrets are kept as SHA-256 digests only. `repeats` is set on audit rows that count refused requests of strangers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, Integer, Table, Text, text

from adw.domain.access import AccessScope
from adw.store.metadata import metadata
from adw.store.tables.types import created_at, one_of

tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    created_at(),
    Column("expires_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    one_of("scope", AccessScope),
    Index("uq_api_tokens_live_name", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)

login_links = Table(
    "login_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("token_id", Text, ForeignKey("api_tokens.id", ondelete="CASCADE")),
    created_at(),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    one_of("scope", AccessScope),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("token_id", Text, ForeignKey("api_tokens.id", ondelete="CASCADE")),
    created_at(),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    one_of("scope", AccessScope),
)

audit = Table(
    "audit_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("who", Text, nullable=False),
    Column("token_id", Text),
    Column("session_id", Text),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("target", Text),
    Column("status", Integer, nullable=False),
    Column("peer", Text),
    Column("idempotency_key", Text),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("repeats", Text, unique=True),
    Index("ix_audit_entries_at", "at"),
)
