from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from adw.agents.consulting import consult
from adw.domain.agent import ToolCall, ToolGate, Verdict

CALL = ToolCall(tool="Bash", given={"command": "deploy"})


def nothing_is_forbidden(_: Mapping[str, Any]) -> None:
    return None


async def test_it_is_said_time_and_again_that_a_call_waits_and_once_more_when_it_does_no_longer():
    beats = 0
    answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            answer.set_result(Verdict(refusal="no"))

    async def ask(_: ToolCall) -> Verdict:
        return await answer

    gate = ToolGate(concerns=lambda _: True, ask=ask)
    verdict = await consult(gate, CALL, refuse=nothing_is_forbidden, still_waiting=beat, beat_s=0.001)
    assert (verdict.refusal, beats) == ("no", 4)


async def test_who_stops_waiting_asks_nobody_any_longer():
    gone = asyncio.Event()
    begun = asyncio.Event()

    async def ask(_: ToolCall) -> Verdict:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            gone.set()
        return Verdict()

    gate = ToolGate(concerns=lambda _: True, ask=ask)
    waiting = asyncio.create_task(consult(gate, CALL, refuse=nothing_is_forbidden, still_waiting=lambda: None))
    await begun.wait()
    waiting.cancel()
    async with asyncio.timeout(5):
        await gone.wait()


async def test_what_no_rule_concerns_is_made_as_it_is():
    async def ask(_: ToolCall) -> Verdict:
        raise AssertionError("nobody is asked")

    gate = ToolGate(concerns=lambda _: False, ask=ask)
    for each in (gate, None):
        verdict = await consult(each, CALL, refuse=nothing_is_forbidden, still_waiting=lambda: None)
        assert verdict == Verdict()
