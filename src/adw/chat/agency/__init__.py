"""Free agents at work: what a worker does with the commands they are given."""

from __future__ import annotations

from adw.chat.agency.places import Places
from adw.chat.agency.runner import FreeAgents

__all__ = ["FreeAgents", "Places"]
