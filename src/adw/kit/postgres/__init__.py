"""PostgreSQL as a part of this program: nothing to install, nothing to configure."""

from __future__ import annotations

from adw.kit.postgres.binaries import PostgresBinaries, find_binaries
from adw.kit.postgres.embedded import EmbeddedPostgres, PostgresStatus
from adw.kit.postgres.place import discard

__all__ = ["EmbeddedPostgres", "PostgresBinaries", "PostgresStatus", "discard", "find_binaries"]
