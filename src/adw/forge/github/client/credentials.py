"""What we show GitHub to be let in. Neither their text nor their repr ever holds a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCredential:
    """A personal access token, or the token of a job of GitHub Actions."""

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", self.token.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredential:
    """A GitHub App. `private_key` is the PEM text GitHub gave for it."""

    app_id: int
    private_key: str = field(repr=False)


def fingerprint(*parts: str) -> str:
    """A name for a credential that tells nothing of it."""
    return sha256("\0".join(parts).encode()).hexdigest()[:20]
