"""A call on its way to a tool: the policy first, then a person where the project wants one, then the policy again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from adw.domain.agent import ToolCall, ToolGate, Verdict

BEAT_S = 5.0
"""How often it is said that a call still waits: so long a wait is no silence."""

Refuse = Callable[[Mapping[str, Any]], str | None]
"""Why a call with this input must not happen; None when it may."""

MADE_AS_IT_IS = Verdict()


async def consult(
    gate: ToolGate | None,
    call: ToolCall,
    *,
    refuse: Refuse,
    still_waiting: Callable[[], None],
    beat_s: float = BEAT_S,
) -> Verdict:
    """What becomes of a call. A person is asked of nothing that is forbidden, and lifts no rule by changing a call."""
    refusal = refuse(call.given)
    if refusal is not None:
        return Verdict(refusal=refusal)
    if gate is None or not gate.concerns(call):
        return MADE_AS_IT_IS
    verdict = await _asked(gate, call, still_waiting, beat_s)
    if verdict.edited is not None and (refusal := refuse(verdict.edited)) is not None:
        return Verdict(
            refusal=f"{verdict.note or 'A person changed this call'}. So changed it cannot be made: {refusal}"
        )
    return verdict


async def _asked(gate: ToolGate, call: ToolCall, still_waiting: Callable[[], None], beat_s: float) -> Verdict:
    asking = asyncio.ensure_future(gate.ask(call))
    try:
        while not asking.done():
            still_waiting()
            await asyncio.wait({asking}, timeout=beat_s)
    finally:
        asking.cancel()
    still_waiting()  # the clocks begin anew with the tool's own work
    return await asking
