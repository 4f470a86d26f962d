"""What starts work by itself, on the parts of this process."""

from __future__ import annotations

from adw.control.rounds import ask_round
from adw.domain.config import SandboxTable
from adw.intake.repository import Repositories
from adw.intake.triggers import ProjectSettings, TriggerParts
from adw.kit.clock import SystemClock
from adw.wiring.foundation import Foundation


def build_trigger_parts(foundation: Foundation) -> TriggerParts:
    """Work is let in through the one door there is; requests on pull requests go to their rounds."""

    def is_contained(sandbox: SandboxTable) -> bool:
        return foundation.containment.in_force(sandbox) == "bubblewrap"

    return TriggerParts(
        database=foundation.database,
        intake=foundation.intake,
        forge_of=foundation.access.forge,
        config_of=ProjectSettings(
            Repositories(database=foundation.database, workspaces=foundation.workspaces, access=foundation.access)
        ),
        is_contained=is_contained,
        ask_round=ask_round,
        clock=SystemClock(),
    )
