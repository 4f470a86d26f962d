"""What conversations with the orchestrator agent run on in this worker."""

from __future__ import annotations

from adw.agents.models import BALANCED
from adw.chat.conversation import Conversations
from adw.chat.tools import Doors
from adw.ports.agents import AgentRuntime
from adw.ports.gateway import ModelGateway
from adw.wiring.foundation import Foundation


def build_conversations(foundation: Foundation, *, runtime: AgentRuntime, gateway: ModelGateway) -> Conversations:
    settings = foundation.settings
    return Conversations(
        database=foundation.database,
        runtime=runtime,
        gateway=gateway,
        doors=build_doors(foundation),
        folder=foundation.paths.root / "chat",
        model=settings.orchestrator_model or BALANCED,
        has_credential=settings.has_model_credential or settings.origins["ANTHROPIC_BASE_URL"] != "default",
    )


def build_doors(foundation: Foundation) -> Doors:
    """The services that the orchestrator's tools come in through."""
    return Doors(
        database=foundation.database,
        intake=foundation.intake,
        control=foundation.control,
        steering=foundation.steering,
        access=foundation.access,
        home=foundation.settings.orchestrator_working_dir,
    )
