"""How a leg can end before its phases are done. These carry what is recorded; they are not defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adw.domain.approval import ApprovalKind
from adw.domain.failure import Failure, FailureClass
from adw.domain.status import WaitReason
from adw.kit.errors import (
    AdwError,
    ConfigurationError,
    ConflictError,
    ForgeError,
    InfrastructureError,
    ModelError,
    NotFoundError,
    UsageError,
)


class PhaseFailed(Exception):
    """A phase cannot go on. Its failure says why, and what a person can do."""

    def __init__(self, failure_class: FailureClass, message: str, *, final: bool = False) -> None:
        """`final`: the phase is not tried again by itself, whatever its class of failure says."""
        super().__init__(message)
        self.failure_class = failure_class
        self.message = message
        self.final = final

    def failure(self, phase: str) -> Failure:
        return Failure(failure_class=self.failure_class, message=self.message, phase=phase, final=self.final)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked before the workflow goes on."""

    kind: ApprovalKind
    key: str
    text: str
    reason: WaitReason
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


class LegEnded(Exception):
    """The leg is over although phases are left: the workflow failed, was stopped, or waits for an answer."""

    def __init__(self, why: str, *, question: Question | None = None) -> None:
        super().__init__(why)
        self.question = question


_CLASSES: tuple[tuple[type[AdwError], FailureClass], ...] = (
    (ForgeError, FailureClass.FORGE),
    (NotFoundError, FailureClass.FORGE),  # what a phase asks for was there when its work began
    (ModelError, FailureClass.TRANSIENT),
    (InfrastructureError, FailureClass.INFRASTRUCTURE),
    (ConflictError, FailureClass.CONFLICT),
    (ConfigurationError, FailureClass.CONFIGURATION),
    (UsageError, FailureClass.CONFIGURATION),
)


def classify_error(error: AdwError) -> PhaseFailed:
    """Which class of failure an error of ours is, when a phase did not handle it itself."""
    found = next((each for kind, each in _CLASSES if isinstance(error, kind)), FailureClass.INTERNAL)
    hint = f" ({error.hint})" if error.hint else ""
    return PhaseFailed(found, f"{error.message}{hint}")
