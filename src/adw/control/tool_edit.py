"""Another input for a call of an agent that waits for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from adw.domain.approval import Approval, ApprovalKind
from adw.kit.errors import UsageError

MAX_INPUT_CHARS = 200_000


def check_input(asked: Approval, edited: Mapping[str, Any] | None, *, allow: bool) -> None:
    """Raises UsageError unless this decision may change what the agent does, and says so completely."""
    if edited is None:
        return
    if asked.kind is not ApprovalKind.TOOL or not allow:
        raise UsageError("this decision does not change the input of a call", hint="leave the input out")
    if not edited:
        raise UsageError("the input is empty", hint="give all of the call's input, not only what is to be changed")
    if len(json.dumps(edited, default=str)) > MAX_INPUT_CHARS:
        raise UsageError(
            f"the input is longer than {MAX_INPUT_CHARS} characters", hint="deny the call and say what to do instead"
        )
