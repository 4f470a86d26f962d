"""Pull requests that are looked after until they are merged or closed, and what people asked for on them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY

from adw.store.metadata import metadata
from adw.store.tables.types import created_at, json_object, one_of

STAGES = ("open", "over", "after", "done")
"""Open; merged or closed and not yet tidied up; tidied up and its merge still under observation; nothing left to do."""

watches = Table(
    "adw_watches",
    metadata,
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), primary_key=True),
    Column("stage", Text, nullable=False, server_default="open"),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("woken", Integer, nullable=False, server_default="0"),
    Column("claim", Text),
    Column("claimed_until", DateTime(timezone=True)),
    Column("quiet", Integer, nullable=False, server_default="0"),
    Column("seen", Text),
    json_object("history"),
    Column("resolved", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("conflicts", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    json_object("forecast"),
    created_at(),
    one_of("stage", STAGES),
    Index("ix_adw_watches_due", "due_at", postgresql_where=text("stage <> 'done'")),
)

requests = Table(
    "adw_round_requests",
    metadata,
    Column("adw_id", Text, ForeignKey("adw_workflows.adw_id", ondelete="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("actor", Text, nullable=False),
    Column("body", Text, nullable=False),
    created_at(),
)
