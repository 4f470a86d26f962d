"""What requests with an idempotency key were answered. `status` is null while the answer is being found."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, Integer, LargeBinary, Table, Text

from adw.store.metadata import metadata
from adw.store.tables.types import created_at

replays = Table(
    "api_replays",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request", Text, nullable=False),
    Column("held_by", Text, nullable=False),
    Column("held_until", DateTime(timezone=True), nullable=False),
    created_at(),
    Column("status", Integer),
    Column("media_type", Text),
    Column("body", LargeBinary),
    Index("ix_api_replays_created_at", "created_at"),
)
