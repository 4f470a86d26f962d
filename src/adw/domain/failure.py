"""Failure classes: what kind of thing went wrong, and what a person should do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """Typed on workflow, phase and event."""

    TRANSIENT = "transient"
    USAGE_LIMIT = "usage_limit"
    BUDGET_EXCEEDED = "budget_exceeded"
    AGENT_ERROR = "agent_error"
    GATE_FAILED = "gate_failed"
    CONFLICT = "conflict"
    FORGE = "forge"
    INFRASTRUCTURE = "infrastructure"
    CONFIGURATION = "configuration"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """What happens by itself, and the sentence that tells a person what to do. `{id}` is the workflow's id."""

    automatic_retries: int
    advice: str
    commands: tuple[str, ...]


_RETRY = "adw workflow retry {id}"
_SHOW = "adw workflow show {id}"
_LOGS = "adw workflow logs {id}"

POLICIES: dict[FailureClass, FailurePolicy] = {
    FailureClass.TRANSIENT: FailurePolicy(
        automatic_retries=2,
        advice="A service was briefly unavailable; retry when it is back",
        commands=(_RETRY,),
    ),
    FailureClass.USAGE_LIMIT: FailurePolicy(
        automatic_retries=0,
        advice="The model's usage limit is reached; retry after it resets",
        commands=(_RETRY,),
    ),
    FailureClass.BUDGET_EXCEEDED: FailurePolicy(
        automatic_retries=0,
        advice="The budget is used up and more was refused; retry to be asked again",
        commands=(_RETRY,),
    ),
    FailureClass.AGENT_ERROR: FailurePolicy(
        automatic_retries=1,
        advice="The agent did not do what was asked; read its log, then retry or reword the issue",
        commands=(_LOGS, _RETRY),
    ),
    FailureClass.GATE_FAILED: FailurePolicy(
        automatic_retries=0,
        advice="A check of the result failed; read the evidence, then retry or finish the branch by hand",
        commands=(_SHOW, _RETRY),
    ),
    FailureClass.CONFLICT: FailurePolicy(
        automatic_retries=0,
        advice="The branch holds changes that do not fit together; resolve them, then retry",
        commands=(_SHOW, _RETRY),
    ),
    FailureClass.FORGE: FailurePolicy(
        automatic_retries=2,
        advice="The forge refused or did not answer; check access and retry",
        commands=("adw doctor", _RETRY),
    ),
    FailureClass.INFRASTRUCTURE: FailurePolicy(
        automatic_retries=1,
        advice="The machine or a service below failed; check disk, memory and database, then retry",
        commands=("adw doctor", _RETRY),
    ),
    FailureClass.CONFIGURATION: FailurePolicy(
        automatic_retries=0,
        advice="A setting is missing or wrong; correct it, then retry",
        commands=("adw config list", _RETRY),
    ),
    FailureClass.CANCELLED: FailurePolicy(
        automatic_retries=0,
        advice="A person said no; retry to be asked again, or hand in what is wanted instead",
        commands=(_RETRY, 'adw run "..."'),
    ),
    FailureClass.INTERNAL: FailurePolicy(
        automatic_retries=0,
        advice="This is a defect of the orchestrator; report it with the log",
        commands=(_LOGS, _RETRY),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure, as recorded on a workflow, a phase and an event."""

    failure_class: FailureClass
    message: str
    phase: str | None = None
    final: bool = False
    """Whether trying again by itself has been done as far as it makes sense."""

    def next_actions(self, adw_id: str) -> tuple[str, ...]:
        """Commands a person can run next."""
        return tuple(command.format(id=adw_id) for command in POLICIES[self.failure_class].commands)
