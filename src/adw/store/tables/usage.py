"""Requests to models and what they cost, and one account per workflow that its requests are booked on.

An account's `adw_id` may also name something else that spends, such as a chat; so there is no foreign key here. What is
booked on an account that is `part_of` another one is bounded by that one too, and booked there as well.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from adw.store.metadata import metadata
from adw.store.tables.types import one_of

REQUEST_STATES = ("reserved", "settled", "refused", "failed")


def _usd(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, Numeric(14, 6), nullable=nullable, server_default=None if nullable else text("0"))


def _tokens(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


model_requests = Table(
    "model_requests",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True),
    Column("adw_id", Text, nullable=False),
    Column("agent_run_id", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("role", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("refusal", Text),
    Column("max_tokens", BigInteger, nullable=False),
    _tokens("input_tokens"),
    _tokens("output_tokens"),
    _tokens("cache_write_tokens"),
    _tokens("cache_read_tokens"),
    _usd("reserved_usd", nullable=True),
    _usd("cost_usd", nullable=True),
    Column("inexact", Boolean, nullable=False, server_default=text("false")),
    Column("status", SmallInteger),
    Column("latency_ms", Integer),
    Column("first_byte_ms", Integer),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("ended_at", DateTime(timezone=True)),
    Column("asked_model", Text),
    Column("refusal_scope", Text),
    one_of("state", REQUEST_STATES),
    one_of("refusal", ("budget", "unpriced_model")),
    CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refusal_when_refused"),
    CheckConstraint("(state = 'reserved') = (ended_at IS NULL)", name="ended_unless_reserved"),
    Index("ix_model_requests_adw_id", "adw_id", "phase"),
    Index("ix_model_requests_open", "adw_id", postgresql_where=text("state = 'reserved'")),
    Index("ix_model_requests_started_at", "started_at"),
)

workflow_budgets = Table(
    "workflow_budgets",
    metadata,
    Column("adw_id", Text, primary_key=True),
    _usd("budget_usd", nullable=True),
    _usd("spent_usd"),
    _usd("held_usd"),
    Column("warned_at", DateTime(timezone=True)),
    Column("part_of", Text),
    CheckConstraint("budget_usd >= 0", name="budget_not_negative"),
    CheckConstraint("held_usd >= 0", name="held_not_negative"),
)
