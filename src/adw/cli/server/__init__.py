"""The server of a data directory: its record, its worker, and how commands find or start it."""

from __future__ import annotations

from adw.cli.server.background import ensure_server
from adw.cli.server.record import ServerRecord, read_record

__all__ = ["ServerRecord", "ensure_server", "read_record"]
