"""Events as they happen: read once for each process, handed to all who follow."""

from __future__ import annotations

from adw.stream.feed import ALL, Feed
from adw.stream.ring import Frame
from adw.stream.subscription import LaggedError, Subscription

__all__ = ["ALL", "Feed", "Frame", "LaggedError", "Subscription"]
