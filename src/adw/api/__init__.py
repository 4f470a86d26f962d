"""The server's HTTP interface, as a plain ASGI application."""

from __future__ import annotations

from adw.api.app import create_app
from adw.api.services import ApiServices

__all__ = ["ApiServices", "create_app"]
