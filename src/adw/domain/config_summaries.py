"""What `adw.toml` says of summaries that a model writes."""

from __future__ import annotations

from pydantic import Field

from adw.domain.config_table import Table


class SummariesTable(Table):
    """`[summaries]`: whether a cheap model tells in a sentence or two what each phase came to."""

    phases: bool = Field(default=False, examples=["phases = true"])
    model: str | None = Field(default=None, min_length=1, examples=['model = "model-id"'])
