"""What can go wrong in the engine itself, as opposed to in the work it carries."""

from __future__ import annotations

from adw.kit.errors import AdwError, InfrastructureError


class DuplicateStepError(AdwError):
    """Two steps of one run have the same name"""

    code = "duplicate_step"


class NotJsonError(AdwError):
    """A step returned something that JSON cannot express"""

    code = "not_json"


class StepFailedError(InfrastructureError):
    """A step failed in a way that only its record remembers"""

    code = "step_failed"
    retryable = False


class EngineBusyError(AdwError):
    """An engine already runs in this process"""

    code = "engine_busy"
