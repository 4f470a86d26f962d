"""Events as they happen: read once for each process, handed to all who follow."""

from __future__ import annotations

from adw.store.deltas import AGENT_PREFIX, CHAT_PREFIX
from adw.stream.feed import ALL, Feed
from adw.stream.log import Log
from adw.stream.ring import Frame
from adw.stream.source import Page
from adw.stream.subscription import LaggedError, Subscription

__all__ = [
    "AGENT_PREFIX",
    "ALL",
    "CHAT_PREFIX",
    "Feed",
    "Frame",
    "LaggedError",
    "Log",
    "Page",
    "Subscription",
]
