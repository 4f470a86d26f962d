"""Budgets beyond a workflow's own: of a project or of everything, in total or for each calendar month.

There is a row only where somebody set a budget. `spent_usd` and `held_usd` of a month belong to the month that
`period_start` begins, in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)

from adw.store.metadata import metadata
from adw.store.tables.types import one_of

budgets = Table(
    "budgets",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE")),
    Column("period", Text, nullable=False),
    Column("budget_usd", Numeric(14, 6), nullable=False),
    Column("spent_usd", Numeric(14, 6), nullable=False, server_default=text("0")),
    Column("held_usd", Numeric(14, 6), nullable=False, server_default=text("0")),
    Column("period_start", DateTime(timezone=True)),
    Column("warned_at", DateTime(timezone=True)),
    Column("set_by", Text),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    UniqueConstraint("project_id", "period", postgresql_nulls_not_distinct=True),
    one_of("period", ("month", "total")),
    CheckConstraint("(period = 'month') = (period_start IS NOT NULL)", name="start_of_month"),
    CheckConstraint("budget_usd >= 0", name="budget_not_negative"),
    CheckConstraint("held_usd >= 0", name="held_not_negative"),
)
