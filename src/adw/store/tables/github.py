"""What we keep of GitHub: answers that may still hold, and how much of each credential is used up.

Credentials are named by a fingerprint. The levels are buckets that drain as time passes; see `adw.store.github_budget`.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Double, Index, Integer, LargeBinary, Table, Text, func, text

from adw.store.metadata import metadata

_LEVEL: Double[float] = Double()

github_answers = Table(
    "github_answers",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("request", Text, primary_key=True),
    Column("etag", Text, nullable=False),
    Column("link", Text),
    Column("body", LargeBinary, nullable=False),
    Column("used_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Index("ix_github_answers_used_at", "used_at"),
)

github_budgets = Table(
    "github_budgets",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("allowance", Integer),
    Column("remaining", Integer),
    Column("resets_at", DateTime(timezone=True)),
    Column("held_until", DateTime(timezone=True)),
    Column("holds", Integer, nullable=False, server_default=text("0")),
    Column("points", _LEVEL, nullable=False, server_default=text("0")),
    Column("writes_minute", _LEVEL, nullable=False, server_default=text("0")),
    Column("writes_hour", _LEVEL, nullable=False, server_default=text("0")),
    Column("drained_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)
