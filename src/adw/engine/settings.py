"""What a worker may tune about its engine. Tests shorten the beats; nothing else should differ from production."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How many runs at once, how often to look for them, and how long a silent worker is believed to be alive."""

    name: str = "worker"
    concurrency: int = 4
    code_revision: str = "unknown"
    poll_s: float = 1.0
    """Only a precaution: whoever queues a run wakes the workers."""
    beat_s: float = 2.0
    lease_s: float = 10.0
    max_recoveries: int = 5
    pool_size: int = 5
    host_id: str | None = None
    """Where the worker says it runs; None for the machine's own identity, the only truth outside of tests."""
