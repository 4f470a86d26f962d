"""What the agents that the orchestrator commands run on in this worker."""

from __future__ import annotations

from adw.agents.models import BALANCED, CHEAP, STRONG
from adw.chat.agency import FreeAgents, Places
from adw.kit.process import host_identity
from adw.ports.agents import AgentRuntime
from adw.ports.gateway import ModelGateway
from adw.wiring.foundation import Foundation

_NAMES = {"opus": STRONG, "sonnet": BALANCED, "haiku": CHEAP, "fast": CHEAP}
"""What templates call models."""


def build_free_agents(foundation: Foundation, *, runtime: AgentRuntime, gateway: ModelGateway) -> FreeAgents:
    places = Places(
        database=foundation.database,
        workspaces=foundation.workspaces,
        access=foundation.access,
        containment=foundation.containment,
        folder=foundation.paths.root / "agents",
        host=host_identity(),
    )
    return FreeAgents(
        database=foundation.database, runtime=runtime, gateway=gateway, places=places, models=_NAMES, model=BALANCED
    )
