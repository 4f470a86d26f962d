from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from adw.agents.scripted_model import Scenario, ScriptedModelServer, parse_scenario, serve_scripted_model

SYSTEM = "You work on code.\nADW role: planner\nADW phase: plan\n"


@pytest.fixture
def body() -> Callable[..., dict]:
    """A request as the CLI sends it: markers in the system prompt, the environment in a system message."""

    def build(*messages: dict, stream: bool = True, **more) -> dict:
        environment = {
            "role": "system",
            "content": "# Environment\n - Primary working directory: /trees/one\n - Shell: x",
        }
        prompt = [{"role": "user", "content": "Do the thing."}, environment]
        return {
            "model": "claude-test",
            "max_tokens": 1000,
            "stream": stream,
            "system": [{"type": "text", "text": SYSTEM}],
            "messages": [*(messages or prompt)],
            "tools": [{"name": "Read"}, {"name": "StructuredOutput"}],
        } | more

    return build


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    def build(*rules: dict, **more) -> Scenario:
        named = [{"name": f"rule {index}"} | rule for index, rule in enumerate(rules)]
        return parse_scenario(json.dumps({"rules": named} | more), origin="test.json")

    return build


@pytest.fixture
def served() -> Callable[[Scenario], AbstractAsyncContextManager[tuple[ScriptedModelServer, httpx.AsyncClient]]]:
    """A server and a client that gives up soon."""

    @asynccontextmanager
    async def serve(script: Scenario) -> AsyncIterator[tuple[ScriptedModelServer, httpx.AsyncClient]]:
        async with (
            serve_scripted_model(script) as server,
            httpx.AsyncClient(base_url=server.url, timeout=10, trust_env=False) as client,
        ):
            yield server, client

    return serve


@pytest.fixture
def events_in() -> Callable[[bytes], list[dict]]:
    """The data of server-sent events, in order."""

    def parse(stream: bytes) -> list[dict]:
        lines = stream.decode().splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

    return parse
