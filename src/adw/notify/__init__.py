"""Carries messages outside: signed webhooks, Slack-compatible webhooks, e-mail."""

from __future__ import annotations

from adw.notify.carrier import Carrier
from adw.notify.errors import UndeliveredError

__all__ = ["Carrier", "UndeliveredError"]
