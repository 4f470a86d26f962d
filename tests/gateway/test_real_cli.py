"""The real command line agent, talking to a scripted model through the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from adw.agents.scripted_model import Scenario, serve_scripted_model
from adw.gateway import Credential, Upstream

KEY = "sk-the-real-key"


def cli() -> str:
    spec = find_spec("claude_agent_sdk")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "_bundled" / "claude")


async def converse(prompt: str, *, url: str, token: str, home: Path) -> Mapping[str, Any]:
    """One conversation in print mode. Returns what the CLI says about how it ended."""
    (home / "config").mkdir()
    process = await asyncio.create_subprocess_exec(
        *(cli(), "-p", prompt, "--output-format", "json", "--model", "claude-sonnet-4-6"),
        *("--tools", "Write", "--allowedTools", "Write"),
        cwd=home,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home / "config"),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await asyncio.wait_for(process.communicate(), timeout=30)
    assert said, complaints.decode()
    return json.loads(said)


def scenario(path: Path) -> Scenario:
    write = {"tool": {"name": "Write", "input": {"file_path": str(path), "content": "written\n"}}}
    rule = {"name": "write, then tell", "steps": [{"blocks": [write]}, {"blocks": [{"text": "It is written."}]}]}
    return Scenario.model_validate({"rules": [rule]})


async def test_a_conversation_with_tools_is_passed_through_and_booked(rig_of, tmp_path):
    async with (
        serve_scripted_model(scenario(tmp_path / "out.txt")) as model,
        rig_of(upstream=Upstream(base_url=model.url, credential=Credential(kind="bearer", value=KEY))) as rig,
    ):
        await rig.budget("5")
        said = await converse("Write it.", url=rig.gateway.url, token=rig.token, home=tmp_path)
        rows = await rig.settled(2)
        account, verdict = await rig.account(), rig.gateway.verdict("run-1")
        entries = model.journal.entries

    assert (said["is_error"], said["result"]) == (False, "It is written.")
    assert (tmp_path / "out.txt").read_text() == "written\n"
    assert [(row.state, row.inexact, row.stream, row.status) for row in rows] == [("settled", False, True, 200)] * 2
    assert [row.output_tokens for row in rows] == [entry.output_tokens for entry in entries]
    assert verdict.usage.requests == 2
    assert verdict.usage.cost_usd == account.spent_usd == sum(row.cost_usd for row in rows)
    assert account.held_usd == 0
    # The CLI knows list prices too.
    assert abs(Decimal(str(said["total_cost_usd"])) - account.spent_usd) < Decimal("0.00001")


async def test_a_used_up_budget_ends_the_conversation_after_one_request(rig_of, tmp_path):
    async with (
        serve_scripted_model(scenario(tmp_path / "out.txt")) as model,
        rig_of(upstream=Upstream(base_url=model.url)) as rig,
    ):
        await rig.budget("0.01")
        said = await converse("Write it.", url=rig.gateway.url, token=rig.token, home=tmp_path)
        rows = await rig.settled(1)
        verdict = rig.gateway.verdict("run-1")
        assert model.journal.entries == ()

    assert said["is_error"]
    assert said["api_error_status"] == 403
    assert [(row.state, row.refusal) for row in rows] == [("refused", "budget")]
    assert verdict.budget_refused
    assert verdict.last_status == 403
