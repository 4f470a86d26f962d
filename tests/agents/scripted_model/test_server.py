from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap

import httpx
import pytest

from adw.agents.scripted_model import Scenario, ScriptedModel, run_model_server, serve_scripted_model
from adw.agents.scripted_model.asgi import Exchange
from adw.kit.errors import ConflictError, UsageError


async def test_it_listens_on_the_loopback_interface_only():
    async with serve_scripted_model(Scenario()) as server:
        assert server.url.startswith("http://127.0.0.1:")


async def test_signal_handlers_of_the_host_are_left_alone():
    before = signal.getsignal(signal.SIGTERM)
    async with serve_scripted_model(Scenario()):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_port_in_use_is_a_conflict():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        serving = serve_scripted_model(Scenario(), port=taken.getsockname()[1])
        with pytest.raises(ConflictError, match="cannot be used") as caught:
            await serving.__aenter__()
    assert "--port" in str(caught.value.hint)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org", "10.0.0.1"])
def test_a_host_that_is_not_loopback_is_refused(host):
    with pytest.raises(UsageError, match="loopback"):
        run_model_server("demo", host=host)


async def test_a_fault_that_needs_the_connection_says_when_it_is_not_there():
    async def nothing() -> dict:
        return {"type": "http.disconnect"}

    async def nowhere(_message: dict) -> None: ...

    exchange = Exchange({"method": "GET", "path": "/", "headers": []}, nothing, nowhere)
    with pytest.raises(RuntimeError, match="connections"):
        await exchange.hang_up(reset=True)


async def test_other_protocols_than_http_are_left_unanswered():
    async def forbidden(*_: object) -> None:
        raise AssertionError

    await ScriptedModel(Scenario())({"type": "lifespan"}, forbidden, forbidden)


def test_the_program_serves_until_it_is_told_to_end(tmp_path):
    program = textwrap.dedent("""
        from adw.agents.scripted_model import run_model_server
        run_model_server("demo", on_ready=lambda url, scenario: print(url, scenario.name, flush=True))
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout
        url, name = running.stdout.readline().split()
        with httpx.Client(base_url=url, trust_env=False, timeout=10) as client:
            health = client.get("/health").json()
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) in (0, -signal.SIGTERM)
    assert (name, health["scenario"]) == ("demo", "demo")
