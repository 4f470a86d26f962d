"""The server's client, sync and async. Importing it is cheap: the HTTP library is loaded at the first call."""

from __future__ import annotations

from adw.client.asynchronous import AsyncAdwClient
from adw.client.synchronous import AdwClient

__all__ = ["AdwClient", "AsyncAdwClient"]
