"""Workers and their leases. Times are the database's, so that hosts with differing clocks agree."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, Table, Text, text

from adw.store.metadata import metadata

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("host_id", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started_at", BigInteger, nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("code_revision", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("beat_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("lease_until", DateTime(timezone=True), nullable=False),
    Column("drained_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text),
    Column("shortage", Text),
    CheckConstraint("end_reason IN ('closed', 'lease_expired', 'process_gone', 'recovered')", name="end_reason_known"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
    CheckConstraint("concurrency > 0", name="concurrency_positive"),
    Index("ix_workers_live", "host_id", postgresql_where=text("ended_at IS NULL")),
)

host_starts = Table(
    "host_starts",
    metadata,
    Column("host_id", Text, primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
)
"""When the starts of agents that a host has promised will all be due; see `adw.store.starts`."""
