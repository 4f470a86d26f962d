"""Which model a request of an agent run goes to, when the one it asks for has been given up."""

from __future__ import annotations

from dataclasses import dataclass, field

from adw.domain.failover import FallbackReason, ModelReplaced
from adw.ports.gateway import RunGrant

OVERLOADS = 3
"""Overloaded so often in a row, a model is given up for the rest of the conversation."""


@dataclass(slots=True, kw_only=True)
class Failover:
    """What is known of the models of one agent run."""

    given_up: set[str] = field(default_factory=set[str])
    overloads: dict[str, int] = field(default_factory=dict[str, int])

    def model_for(self, asked: str, grant: RunGrant) -> str:
        """The model itself, or the first of its stand-ins that has not been given up either."""
        return next((model for model in (asked, *grant.fallback) if model not in self.given_up), asked)

    def stand_in(self, model: str, reason: FallbackReason, grant: RunGrant, *, asked: str) -> ModelReplaced | None:
        """Gives the model up if the project's policy says so and there is another one."""
        if reason not in grant.fallback_on:
            return None
        others = [name for name in (asked, *grant.fallback) if name not in self.given_up and name != model]
        if not others:
            return None
        self.given_up.add(model)
        return ModelReplaced(
            adw_id=grant.adw_id,
            agent_run_id=grant.agent_run_id,
            phase=grant.phase,
            role=grant.role,
            model=model,
            fallback=others[0],
            reason=reason,
        )

    def overloaded(self, model: str) -> bool:
        """Counts one more; tells whether that is often enough."""
        self.overloads[model] = self.overloads.get(model, 0) + 1
        return self.overloads[model] >= OVERLOADS

    def answered(self, model: str) -> None:
        self.overloads.pop(model, None)
