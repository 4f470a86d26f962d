from __future__ import annotations

import asyncio
import contextlib
import socket

import httpx
import pytest
from tests.api.stage import TOKEN
from tests.client.conftest import Live

from adw.client import AdwClient, AsyncAdwClient
from adw.client.answers import raise_problem
from adw.control.pulls import MergeConflictError
from adw.kit import errors
from adw.kit.errors import (
    AdwError,
    AuthenticationError,
    ConflictError,
    NotFoundError,
    UnreachableError,
    UsageError,
    WrongStateError,
)


async def test_a_refusal_is_the_error_it_stands_for_with_its_hint(live: Live, client: AsyncAdwClient):
    adw_id = (await live.stage.work()).adw_id
    with pytest.raises(WrongStateError, match="not paused"):
        await client.resume(adw_id)
    with pytest.raises(NotFoundError) as missing:
        await client.get_workflow("ffff")
    assert missing.value.hint == "see `adw workflow list`"
    with pytest.raises(UsageError, match="unknown workflow kind"):
        await client.create_workflow(project=str(live.stage.repository), workflow_type="nonsense", prompt="p")
    with pytest.raises(UsageError, match=r"body\.issueNumber"):
        await client.create_workflow(project="x", workflow_type="plan", issue_number=0)
    with pytest.raises(NotFoundError):
        await anext(client.stream_events("ffff"))


async def test_a_wrong_token_is_an_authentication_error(live: Live):
    async with AsyncAdwClient(live.url, "wrong") as client:
        with pytest.raises(AuthenticationError, match="token is wrong"):
            await client.workers()
        with pytest.raises(AuthenticationError):
            await anext(client.stream_events("ffff"))
        assert (await client.health())["status"] == "ok"


@pytest.mark.parametrize("kind", [*errors.__dict__.values()])
def test_every_error_survives_the_wire(kind):
    if not (isinstance(kind, type) and issubclass(kind, AdwError)) or kind is AdwError:
        return
    body = {"status": kind.status, "code": kind.code, "detail": "what", "hint": "do this", "title": "t", "type": "u"}
    with pytest.raises(kind) as raised:
        raise_problem(_answer(kind.status, body))
    assert type(raised.value) is kind
    assert (raised.value.message, raised.value.hint) == ("what", "do this")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UsageError),
        (401, AuthenticationError),
        (403, errors.ForbiddenError),
        (404, NotFoundError),
        (405, UsageError),
        (409, ConflictError),
        (413, UsageError),
        (422, UsageError),
        (418, AdwError),
        (429, errors.TooManyRequestsError),
        (500, AdwError),
        (502, errors.ForgeError),
        (503, errors.InfrastructureError),
    ],
)
def test_an_unknown_code_is_understood_by_its_status(status: int, kind: type[AdwError]):
    with pytest.raises(kind, match="what"):
        raise_problem(_answer(status, {"code": "new", "detail": "what"}))


def test_a_code_of_another_layer_is_at_least_its_family():
    with pytest.raises(ConflictError):
        raise_problem(_answer(MergeConflictError.status, {"code": MergeConflictError.code, "detail": "what"}))


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_problem_still_says_something(content: bytes):
    response = httpx.Response(502, content=content, request=httpx.Request("GET", "http://x"))
    with pytest.raises(errors.ForgeError, match="502"):
        raise_problem(response)


class TestNoServer:
    async def test_a_port_nobody_listens_on_is_unreachable(self):
        with contextlib.closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
            async with AsyncAdwClient(url, TOKEN) as client:
                with pytest.raises(UnreachableError, match=url) as raised:
                    await client.health()
                assert "adw serve" in (raised.value.hint or "")
                with pytest.raises(UnreachableError):
                    await client.wait("abcd1234", patience_s=0)
            with AdwClient(url, TOKEN) as sync_client, pytest.raises(UnreachableError):
                await asyncio.to_thread(sync_client.health)

    async def test_a_port_that_never_answers_is_unreachable(self):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
            async with AsyncAdwClient(f"http://127.0.0.1:{silent.getsockname()[1]}", TOKEN, timeout_s=0.05) as client:
                with pytest.raises(UnreachableError, match="in time"):
                    await client.health()

    @pytest.mark.parametrize("said", [b"", b"220 mail.example\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"])
    async def test_something_else_on_the_port_is_unreachable(self, said: bytes):
        async def answer(reader, writer):
            await reader.read(10)
            writer.write(said)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
            url = f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}"
            async with AsyncAdwClient(url, TOKEN) as client:
                with pytest.raises(UnreachableError):
                    await client.health()

    @pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://", "http://[", "http://x:99999"])
    def test_an_address_that_is_none_is_a_usage_error(self, url: str):
        for kind in (AdwClient, AsyncAdwClient):
            with pytest.raises(UsageError, match="address of a server"):
                kind(url, TOKEN)

    async def test_proxies_of_the_environment_are_not_used(self, live: Live, monkeypatch: pytest.MonkeyPatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        async with AsyncAdwClient(live.url, TOKEN) as client:
            assert (await client.health())["status"] == "ok"

    async def test_a_client_may_be_used_again_after_it_was_closed(self, client: AsyncAdwClient):
        await client.health()
        await client.close()
        await client.close()
        assert (await client.health())["status"] == "ok"


def _answer(status: int, body: dict) -> httpx.Response:
    headers = {"Content-Type": "application/problem+json"}
    return httpx.Response(status, json=body, headers=headers, request=httpx.Request("GET", "http://x"))
