"""GitHub's refusals in our own error tree, each with what to do next."""

from __future__ import annotations

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

_TOKEN = "check GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"  # noqa: S105 - names only


def as_error(failure: Failure, *, what: str) -> AdwError:
    """The error a caller of the forge sees. `what` was asked, as in "read issue #1"."""
    message = f"GitHub refused to {what}: {failure}"
    match failure.kind:
        case FailureKind.UNAUTHENTICATED:
            return ForgeDeniedError(f"GitHub does not know our credential: {failure}", hint=_TOKEN)
        case FailureKind.DENIED:
            return ForgeDeniedError(message, hint="give the token or the app the right it lacks for this repository")
        case FailureKind.NOT_FOUND | FailureKind.GONE:
            return NotFoundError(f"GitHub has nothing to {what}: {failure}", hint=_seen_by())
        case FailureKind.CONFLICT | FailureKind.NOT_ALLOWED:
            return ConflictError(message)
        case FailureKind.INVALID:
            return UsageError(message)
        case FailureKind.PRIMARY_LIMIT | FailureKind.SECONDARY_LIMIT:
            return limit_error(failure.until)
        case FailureKind.SERVER | FailureKind.UNEXPECTED:
            return ForgeError(f"GitHub failed to {what} ({failure.status}): {failure}")


def limit_error(until: datetime | None) -> ForgeLimitError:
    when = "" if until is None else f" until {until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return ForgeLimitError(f"GitHub takes no more requests of this credential{when}", until=until)


def unclear_error(what: str, why: str) -> ForgeUnclearError:
    return ForgeUnclearError(f"GitHub did not say whether it did: {what} ({why})")


def _seen_by() -> str:
    return "check the name and the number; what our credential may not see is not found either"
