"""A plan that waits to be approved, put into a person's words: written into the worktree, which is theirs meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

from adw.domain.approval import Approval, ApprovalKind, Decision
from adw.domain.naming import MIN_PLAN_CHARS
from adw.kit.errors import InfrastructureError, UsageError, WrongStateError


def check_edit(asked: Approval, text: str) -> str:
    """The plan's file, relative to the worktree. Raises UsageError, and WrongStateError for what has been decided."""
    if asked.kind is not ApprovalKind.PLAN or "planFile" not in asked.data:
        raise UsageError("this question is not about a plan", hint="leave the plan out")
    if asked.decision is not Decision.PENDING:
        raise WrongStateError(
            f"the plan was already {asked.decision} by {asked.decided_by or 'the system'}",
            hint="plan anew with `adw workflow retry ID --from plan --say ...`",
        )
    if len(text.strip()) < MIN_PLAN_CHARS:
        raise UsageError(
            f"the plan has only {len(text.strip())} characters",
            hint=f"give all of it, at least {MIN_PLAN_CHARS} characters, not what is to be changed",
        )
    return str(asked.data["planFile"])


def write_plan(worktree: Path, plan_file: str, text: str) -> None:
    """Writes the whole file. What an agent could have made to lead elsewhere is not followed."""
    target = worktree / plan_file
    links = [part for part in (target, *target.parents) if worktree in part.parents and part.is_symlink()]
    if not target.is_relative_to(worktree) or ".." in target.parts or links:
        raise UsageError(f"{plan_file} is no plain file of the worktree", hint="take the worktree over and look")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{text.strip()}\n")
    except OSError as error:
        raise InfrastructureError(f"the plan could not be written: {error.strerror}") from error
