"""GitHub's refusals in our own error tree, each with what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from adw.forge.github.client.failures import Failure, FailureKind
from adw.kit.errors import (
    AdwError,
    ConflictError,
    ForgeDeniedError,
    ForgeError,
    ForgeLimitError,
    ForgeUnclearError,
    NotFoundError,
    UsageError,
)

_TOKEN_HINT = "check GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"  # noqa: S105 - names only
_RIGHT_HINT = "give the token or the app the right it lacks for this repository"
_SEEN_HINT = "check the name and the number; what our credential may not see is not found either"
_KINDS: Mapping[FailureKind, tuple[type[AdwError], str | None]] = {
    FailureKind.UNAUTHENTICATED: (ForgeDeniedError, _TOKEN_HINT),
    FailureKind.DENIED: (ForgeDeniedError, _RIGHT_HINT),
    FailureKind.NOT_FOUND: (NotFoundError, _SEEN_HINT),
    FailureKind.GONE: (NotFoundError, _SEEN_HINT),
    FailureKind.CONFLICT: (ConflictError, None),
    FailureKind.NOT_ALLOWED: (ConflictError, None),
    FailureKind.INVALID: (UsageError, None),
}


def as_error(failure: Failure, *, what: str) -> AdwError:
    """The error a caller of the forge sees. `what` was asked, as in "read issue #1"."""
    if failure.is_limit:
        return limit_error(failure.until)
    kind, hint = _KINDS.get(failure.kind, (ForgeError, None))
    return kind(f"GitHub refused to {what} ({failure.status}): {failure}", hint=hint)


def limit_error(until: datetime | None) -> ForgeLimitError:
    when = "" if until is None else f" until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return ForgeLimitError(f"GitHub takes no more requests of this credential{when}", until=until)


def unclear_error(what: str, why: str) -> ForgeUnclearError:
    return ForgeUnclearError(f"GitHub did not say whether it did: {what} ({why})")
