from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from adw.domain.agent import AgentMessage


async def test_a_killed_conversation_goes_on_elsewhere(stage_for, script, workspace: Path, tmp_path: Path):
    """The first CLI is killed in the middle of a command; the second starts with nothing but what was stored."""
    first_turn = {
        "when": {"prompt": "Remember the word walnut"},
        "steps": [script.text("noted") | script.bash("echo $PPID > up; tail -f /dev/null")],
    }
    second_turn = {"when": {"prompt": "go on", "any_text": "the word walnut"}, "reply": script.text("It was walnut.")}
    async with stage_for(second_turn, first_turn) as stage:
        session_id = await _run_until_killed(stage, workspace)
        assert await stage.runtime.can_resume(adw_id="0a1b2c3d", session_id=session_id)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        heard = await stage.run(elsewhere, prompt="Please go on.", resume_session=session_id)
    assert heard.messages[0].session_id == session_id
    assert heard.final.session_id == session_id
    assert heard.final.failure is None
    assert heard.final.text == "It was walnut."


async def _run_until_killed(stage, workspace: Path) -> str:
    session_id = ""
    up = workspace / "up"
    async with asyncio.timeout(25):
        async for item in stage.runtime.run(stage.task(workspace, prompt="Remember the word walnut.")):
            if not isinstance(item, AgentMessage):
                assert item.failure is not None
                assert item.failure.failure_class == "infrastructure"
            elif item.kind == "started":
                session_id = item.session_id or ""
            elif item.kind == "tool_use":
                while not up.exists() or not up.read_text().strip():  # noqa: ASYNC110 - written by another process
                    await asyncio.sleep(0.02)
                os.kill(int(up.read_text()), signal.SIGKILL)
    return session_id
