"""What every table of `adw.toml` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A table of the file: immutable, and without room for keys nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
