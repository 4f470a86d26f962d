from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest

from adw.gateway.server import LoopbackServer
from adw.kit.guest_server import CONNECTION


async def test_first_bytes_do_not_wait_for_acknowledgements():
    """Without TCP_NODELAY each answer's first event comes 40 ms late, after the peer's delayed acknowledgement."""

    async def tell(scope, _receive, send):
        found = scope[CONNECTION].get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(found).encode()})

    async with LoopbackServer(tell) as server, httpx.AsyncClient(trust_env=False) as client:
        assert int((await client.get(server.url)).text) != 0


async def test_it_listens_on_the_loopback_interface_only_and_stops_at_once():
    async def never(_scope, _receive, _send):
        await asyncio.Event().wait()

    server = LoopbackServer(never)
    with pytest.raises(RuntimeError):
        _ = server.url
    async with server:
        assert server.url.startswith("http://127.0.0.1:")
        port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


async def test_signals_stay_with_the_process():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    async with LoopbackServer(None):
        assert {number: signal.getsignal(number) for number in before} == before


async def test_a_request_that_announces_too_much_is_refused_before_it_is_read(rig):
    host, port = rig.client.base_url.host, rig.client.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {rig.token}\r\ncontent-length: 99999999\r\n\r\n"
    writer.write(head.encode())

    answer = await asyncio.wait_for(reader.readuntil(b"}}"), timeout=10)

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"request_too_large" in answer
    writer.close()


async def test_a_request_that_stops_in_the_middle_is_forgotten(rig, model_api):
    reader, writer = await asyncio.open_connection(rig.client.base_url.host, rig.client.base_url.port)
    head = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {rig.token}\r\ncontent-length: 100\r\n\r\n{{"
    writer.write(head.encode())
    writer.write_eof()
    await asyncio.wait_for(reader.read(), timeout=10)
    writer.close()

    assert model_api.seen == []
    assert await rig.rows() == []
