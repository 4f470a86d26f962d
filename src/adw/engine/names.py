"""Names that appear in the engine's tables. They are part of the data: changing one strands every open run."""

from __future__ import annotations

APPLICATION = "adw"
INTERPRETER = "adw.leg"
QUEUE = "legs"

VERSION = "1"
"""Constant on purpose. Left alone, DBOS hashes our source into it and never again runs what an older one started."""
