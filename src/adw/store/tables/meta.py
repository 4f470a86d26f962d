"""What the database says about itself."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from adw.store.metadata import metadata

adw_meta = Table(
    "adw_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
