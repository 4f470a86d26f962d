from __future__ import annotations

import inspect

import pytest

from adw.kit import errors
from adw.kit.errors import AdwError, ExitCode

CLASSES = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, AdwError)]

# code, HTTP status, exit code, worth trying again
FACTS = {
    "AdwError": ("internal", 500, ExitCode.FAILED, False),
    "UsageError": ("usage", 422, ExitCode.USAGE, False),
    "ConfigurationError": ("configuration", 422, ExitCode.USAGE, False),
    "NotFoundError": ("not_found", 404, ExitCode.NOT_FOUND, False),
    "ConflictError": ("conflict", 409, ExitCode.CONFLICT, False),
    "WrongStateError": ("wrong_state", 409, ExitCode.CONFLICT, False),
    "DuplicateRunError": ("duplicate_run", 409, ExitCode.CONFLICT, False),
    "IssueClosedError": ("issue_closed", 409, ExitCode.CONFLICT, False),
    "OpenPullRequestError": ("open_pull_request", 409, ExitCode.CONFLICT, False),
    "CooldownError": ("cooldown", 409, ExitCode.CONFLICT, True),
    "MonthlyBudgetError": ("monthly_budget", 409, ExitCode.CONFLICT, False),
    "ServerMismatchError": ("server_mismatch", 409, ExitCode.CONFLICT, False),
    "AuthenticationError": ("unauthenticated", 401, ExitCode.AUTH, False),
    "UnreachableError": ("unreachable", 503, ExitCode.UNREACHABLE, True),
    "InfrastructureError": ("infrastructure", 503, ExitCode.FAILED, True),
    "LowDiskError": ("low_disk", 503, ExitCode.FAILED, True),
    "LowMemoryError": ("low_memory", 503, ExitCode.FAILED, True),
    "DatabaseError": ("database", 503, ExitCode.FAILED, True),
    "GitError": ("git", 500, ExitCode.FAILED, True),
    "ForgeError": ("forge", 502, ExitCode.FAILED, True),
    "ForgeDeniedError": ("forge_denied", 502, ExitCode.FAILED, False),
    "ForgeLimitError": ("forge_limit", 502, ExitCode.FAILED, True),
    "ForgeUnclearError": ("forge_unclear", 502, ExitCode.FAILED, True),
    "ForbiddenError": ("forbidden", 403, ExitCode.AUTH, False),
    "TooManyRequestsError": ("too_many_requests", 429, ExitCode.FAILED, True),
    "AgentError": ("agent", 500, ExitCode.FAILED, True),
    "ModelError": ("model", 502, ExitCode.FAILED, True),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_its_code_status_and_exit_code(kind):
    error = kind("went wrong", hint="do this")
    assert (error.code, error.status, error.exit_code, error.retryable) == FACTS[kind.__name__]
    assert (str(error), error.message, error.hint) == ("went wrong", "went wrong", "do this")


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_without_words_says_what_its_class_stands_for(kind):
    assert kind().message == (kind.__doc__ or "").splitlines()[0].strip()
    assert kind().hint is None


def test_an_error_without_a_docstring_is_called_by_its_name():
    class StrangeError(AdwError):
        pass

    StrangeError.__doc__ = None
    assert StrangeError().message == "StrangeError"


def test_codes_are_told_apart_and_the_tree_is_drawn_in_the_module():
    codes = [kind.code for kind in CLASSES]
    assert len(codes) == len(set(codes))
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in CLASSES)
