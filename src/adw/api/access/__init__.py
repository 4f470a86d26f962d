"""Who is let in, to do what, and what is written down about it. `check_access` is for whoever has no route's guard."""

from __future__ import annotations

from adw.api.access.gate import Gate, check_access, gate_of
from adw.domain.access import AccessScope, Principal

__all__ = ["AccessScope", "Gate", "Principal", "check_access", "gate_of"]
