"""What model APIs have said about when they will take requests again, for each credential, named by a fingerprint.

`model` is empty where the limit holds for every model. `probe` is the workflow that tries first once it is over.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Table, Text, func

from adw.store.metadata import metadata
from adw.store.tables.types import one_of

model_limits = Table(
    "model_limits",
    metadata,
    Column("credential", Text, primary_key=True),
    Column("model", Text, primary_key=True, server_default=""),
    Column("kind", Text, nullable=False),
    Column("resets_at", DateTime(timezone=True), nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("probe", Text),
    Column("probed_at", DateTime(timezone=True)),
    one_of("kind", ("rate_limit", "usage_limit", "overloaded")),
)
