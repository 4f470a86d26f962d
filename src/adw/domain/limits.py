"""When a model API takes no requests: what it said, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ALL_MODELS = ""


class LimitKind(StrEnum):
    """What was reached. Overload is the model's trouble, the others are the credential's."""

    RATE_LIMIT = "rate_limit"
    USAGE_LIMIT = "usage_limit"
    OVERLOADED = "overloaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """No requests with this credential are answered before `resets_at`: for one model, or for all of them.

    `credential` is a fingerprint, which says nothing about the secret.
    """

    credential: str
    kind: LimitKind
    resets_at: datetime
    model: str = ALL_MODELS

    @property
    def scope(self) -> str:
        """Names what is limited; workflows that wait for the same thing wait under the same name."""
        return f"{self.credential}/{self.model}"

    @property
    def words(self) -> str:
        """What people are told: no more than the kind and the moment."""
        what = {
            LimitKind.RATE_LIMIT: "the rate limit of the model API",
            LimitKind.USAGE_LIMIT: "the usage limit of the model API",
            LimitKind.OVERLOADED: "the overload of the model API",
        }[self.kind]
        until = self.resets_at.strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{what}{f' for {self.model}' if self.model else ''}, which ends at {until}"
