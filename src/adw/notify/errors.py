"""Why a message did not arrive, in words that hold no secret."""

from __future__ import annotations

from adw.kit.errors import InfrastructureError


class UndeliveredError(InfrastructureError):
    """A notification did not arrive"""

    code = "undelivered"
    status = 502

    def __init__(self, message: str, *, is_final: bool = False, wait_s: float | None = None) -> None:
        """`is_final`: trying again cannot help. `wait_s`: for how long the other side asked not to be tried again."""
        super().__init__(message, hint="see `adw notify deliveries`; `adw notify test` tries a channel")
        self.is_final = is_final
        self.wait_s = wait_s
