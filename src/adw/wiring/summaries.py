"""What summaries of phases run on in this worker."""

from __future__ import annotations

from adw.agents.models import CHEAP
from adw.agents.plain.request import PlainSettings
from adw.agents.plain.runtime import PlainRuntime
from adw.agents.plain.unkept import Unkept
from adw.chat.summaries import Summaries
from adw.ports.gateway import ModelGateway
from adw.wiring.foundation import Foundation


def build_summaries(foundation: Foundation, *, gateway: ModelGateway) -> Summaries:
    """Asked in this process, for little money, and with little patience."""
    return Summaries(
        database=foundation.database,
        runtime=PlainRuntime(
            launcher=foundation.launcher,
            rows=Unkept(),
            runtime_dir=foundation.paths.run / "agents",
            settings=PlainSettings(max_retries=1, silence_timeout_s=30.0, max_output_tokens=1_024),
        ),
        gateway=gateway,
        access=foundation.access,
        folder=foundation.paths.root / "summaries",
        model=CHEAP,
    )
