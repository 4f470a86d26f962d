"""When another model takes the place of the one that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FallbackReason(StrEnum):
    """Why a model is given up for the rest of a conversation."""

    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    LIMIT = "limit"


USUAL_REASONS = (FallbackReason.OVERLOADED, FallbackReason.UNAVAILABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReplaced:
    """From here on the requests of this agent run for `model` go to `fallback`."""

    adw_id: str
    agent_run_id: str
    phase: str
    role: str
    model: str
    fallback: str
    reason: FallbackReason

    @property
    def words(self) -> str:
        why = {
            FallbackReason.OVERLOADED: "is overloaded",
            FallbackReason.UNAVAILABLE: "is not available",
            FallbackReason.LIMIT: "has reached its limit",
        }[self.reason]
        return f"the {self.role} goes on with model {self.fallback}: {self.model} {why}"
