"""Every error this program raises on purpose.

    AdwError
    ├── UsageError              bad input to a command or request
    │   └── ConfigurationError  a setting is missing or wrong
    ├── NotFoundError           no such workflow, project, issue, ...
    ├── ConflictError           the state of things forbids it
    │   ├── WrongStateError     a status transition that does not exist
    │   ├── DuplicateRunError   the issue already has a live workflow
    │   ├── IssueClosedError    the issue is closed
    │   ├── OpenPullRequestError  a pull request of ours on the issue is open
    │   ├── CooldownError       the issue was worked on a moment ago
    │   ├── MonthlyBudgetError  the project's money for this month is spent
    │   └── ServerMismatchError the running server has another configuration
    ├── AuthenticationError     no token, or a wrong one
    ├── ForbiddenError          the token does not allow it
    ├── TooManyRequestsError    too much of it in too short a time
    ├── UnreachableError        the server does not answer
    └── InfrastructureError     something below us failed
        ├── LowDiskError        too little space to begin work
        ├── LowMemoryError      too little memory to begin work
        ├── DatabaseError       PostgreSQL cannot be reached or used
        ├── GitError            a git command failed
        ├── ForgeError          the forge refused or failed
        │   ├── ForgeDeniedError  the forge does not let our credential do this
        │   ├── ForgeLimitError   the forge takes no more requests for a while
        │   └── ForgeUnclearError the forge did not say whether it did what it was asked
        └── AgentError          an agent's process failed
            └── ModelError      the model API failed

A class's docstring is its default message. `code` is stable and documented, `status` is for HTTP,
`exit_code` for the command line; `hint` tells a person what to do next.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    AUTH = 4
    UNREACHABLE = 5
    WAITING = 6
    CONFLICT = 7
    INTERRUPTED = 130


class AdwError(Exception):
    """Something went wrong"""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or type(self).__name__).strip().splitlines()[0]
        self.hint = hint
        self.facts: dict[str, str] = {}
        """What programs need to know besides, such as times; kept wherever the error is written down."""
        super().__init__(self.message)


class UsageError(AdwError):
    """The input cannot be used"""

    code = "usage"
    status = 422
    exit_code = ExitCode.USAGE


class ConfigurationError(UsageError):
    """A setting is missing or wrong"""

    code = "configuration"


class NotFoundError(AdwError):
    """There is no such thing"""

    code = "not_found"
    status = 404
    exit_code = ExitCode.NOT_FOUND


class ConflictError(AdwError):
    """The present state forbids this"""

    code = "conflict"
    status = 409
    exit_code = ExitCode.CONFLICT


class WrongStateError(ConflictError):
    """The workflow's status forbids this"""

    code = "wrong_state"


class DuplicateRunError(ConflictError):
    """The issue already has a live workflow"""

    code = "duplicate_run"


class IssueClosedError(ConflictError):
    """The issue is closed"""

    code = "issue_closed"


class OpenPullRequestError(ConflictError):
    """A pull request of ours on this issue is still open"""

    code = "open_pull_request"


class CooldownError(ConflictError):
    """The issue was worked on a moment ago"""

    code = "cooldown"
    retryable = True


class MonthlyBudgetError(ConflictError):
    """The project's budget for this month is spent"""

    code = "monthly_budget"


class ServerMismatchError(ConflictError):
    """The running server was started with another configuration"""

    code = "server_mismatch"


class AuthenticationError(AdwError):
    """A valid token is needed"""

    code = "unauthenticated"
    status = 401
    exit_code = ExitCode.AUTH


class ForbiddenError(AdwError):
    """The token does not allow this"""

    code = "forbidden"
    status = 403
    exit_code = ExitCode.AUTH


class TooManyRequestsError(AdwError):
    """There were too many requests"""

    code = "too_many_requests"
    status = 429
    retryable = True

    def __init__(self, message: str | None = None, *, hint: str | None = None, retry_after_s: int = 60) -> None:
        """`retry_after_s` is when another one has a chance, in seconds from now."""
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class UnreachableError(AdwError):
    """The server does not answer"""

    code = "unreachable"
    status = 503
    exit_code = ExitCode.UNREACHABLE
    retryable = True


class InfrastructureError(AdwError):
    """Something this program stands on has failed"""

    code = "infrastructure"
    status = 503
    retryable = True


class LowDiskError(InfrastructureError):
    """There is too little free disk space to begin work"""

    code = "low_disk"


class LowMemoryError(InfrastructureError):
    """There is too little free memory to begin work"""

    code = "low_memory"


class DatabaseError(InfrastructureError):
    """PostgreSQL cannot be used"""

    code = "database"


class GitError(InfrastructureError):
    """A git command failed"""

    code = "git"
    status = 500


class ForgeError(InfrastructureError):
    """The forge refused or failed"""

    code = "forge"
    status = 502


class ForgeDeniedError(ForgeError):
    """The forge does not let our credential do this"""

    code = "forge_denied"
    retryable = False


class ForgeLimitError(ForgeError):
    """The forge takes no more requests for a while"""

    code = "forge_limit"

    def __init__(self, message: str | None = None, *, hint: str | None = None, until: datetime | None = None) -> None:
        """`until` is when it takes requests again."""
        super().__init__(message, hint=hint)
        self.facts = {} if until is None else {"until": until.isoformat()}

    @property
    def until(self) -> datetime | None:
        return datetime.fromisoformat(self.facts["until"]) if "until" in self.facts else None


class ForgeUnclearError(ForgeError):
    """The forge did not say whether it did what it was asked"""

    code = "forge_unclear"


class AgentError(InfrastructureError):
    """An agent's process failed"""

    code = "agent"
    status = 500


class ModelError(AgentError):
    """The model API failed"""

    code = "model"
    status = 502
