"""PostgreSQL for the session, a stand-in of the model API that does exactly what a test says, a gateway between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

import httpx
import orjson
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.conftest import DatabaseServer

from adw.domain.prices import price_table
from adw.gateway import Credential, Gateway, RunGrant, Upstream
from adw.store.db import driver_url
from adw.store.tables.usage import model_requests, workflow_budgets
from adw.store.usage import UsageBook, set_budget

REAL_KEY = "sk-real-credential"
MODEL = "claude-sonnet-4-6"  # 3 USD in, 15 USD out
DEADLINE_S = 20.0


@pytest.fixture(scope="session")
def postgres_url(database_server: DatabaseServer) -> str:
    return driver_url(database_server.url_of(database_server.copy()))


@pytest.fixture
async def engine(postgres_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(postgres_url, pool_size=8, max_overflow=8)
    async with engine.begin() as connection:
        await connection.execute(text("TRUNCATE model_requests, workflow_budgets, budgets"))
    yield engine
    await engine.dispose()


@dataclass
class Seen:
    """A request as it arrived at the stand-in."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def document(self) -> dict[str, Any]:
        return orjson.loads(self.body)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


Answer = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


class StandIn:
    """Speaks just enough HTTP to say exactly which bytes go out when."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.url = ""
        self.streams(Sse.answer())

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()

    def streams(self, pieces: list[bytes], **options: Any) -> None:
        self.answer: Answer = streamed(pieces, **options)

    @staticmethod
    def streamed(pieces: list[bytes], **options: Any) -> Answer:
        return streamed(pieces, **options)

    def replies(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        self.answer = plain(body, status=status, **headers)

    def hangs_up(self) -> None:
        self.answer = closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await _read_request(reader)) is not None:
                self.seen.append(seen)
                working = asyncio.ensure_future(self.answer(seen, writer))
                while not working.done():
                    await asyncio.wait({working}, timeout=0.01)
                    if reader.at_eof():
                        seen.disconnected.set()
                        working.cancel()
                if writer.is_closing() or working.cancelled():
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            if self.seen:
                self.seen[-1].disconnected.set()
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Seen | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    seen = Seen(method, target, headers, b"")
    length = seen.values("content-length")
    if length:
        seen.body = await reader.readexactly(int(length[0]))
    return seen


class Sse:
    """Events of a streamed answer, as bytes."""

    @staticmethod
    def event(name: str, **fields: Any) -> bytes:
        return b"event: " + name.encode() + b"\ndata: " + orjson.dumps({"type": name} | fields) + b"\n\n"

    @staticmethod
    def start(**usage: Any) -> bytes:
        known = {"input_tokens": 1000, "output_tokens": 1} | usage
        return Sse.event("message_start", message={"id": "m", "model": MODEL, "content": [], "usage": known})

    @staticmethod
    def text(words: str) -> bytes:
        return Sse.event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})

    @staticmethod
    def end(**usage: Any) -> bytes:
        delta = Sse.event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 200} | usage)
        return delta + Sse.event("message_stop")

    @staticmethod
    def answer() -> list[bytes]:
        """1,000 tokens in, 200 out: 0.006 USD."""
        return [Sse.start(), Sse.text("häl"), b": comment\n\n" + Sse.text("lo"), Sse.end()]


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def streamed(
    pieces: list[bytes], *, cut: bool = False, gate: asyncio.Event | None = None, stall: bool = False
) -> Answer:
    """Chunked SSE. `cut` closes the connection before the end, `gate` holds back all but the first piece."""

    async def answer(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        headers = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        writer.write(head(200, headers | {"request-id": "req_1"}))
        for number, piece in enumerate(pieces):
            if number == 1 and gate is not None:
                await gate.wait()
            if piece:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        if stall:
            await asyncio.Event().wait()
        if cut:
            writer.close()
        else:
            writer.write(b"0\r\n\r\n")

    return answer


def plain(body: bytes, *, status: int = 200, **headers: str) -> Answer:
    async def answer(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        writer.write(
            head(status, {"content-type": "application/json", "content-length": str(len(body))} | named) + body
        )

    return answer


def closed() -> Answer:
    async def answer(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.close()

    return answer


@pytest.fixture
async def model_api() -> AsyncIterator[StandIn]:
    async with StandIn() as stand_in:
        yield stand_in


class Rig:
    """A running gateway in front of the stand-in, one workflow and one agent of it."""

    adw_id = "0a1b2c3d"
    key = REAL_KEY

    def __init__(self, gateway: Gateway, engine: AsyncEngine, client: httpx.AsyncClient, model_api: StandIn) -> None:
        self.gateway = gateway
        self.engine = engine
        self.client = client
        self.model_api = model_api
        self.warnings: list[Any] = []
        self.token = gateway.admit(self.grant())

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.token, "anthropic-version": "2023-06-01"}

    async def budget(self, usd: str | None) -> None:
        async with self.engine.begin() as connection:
            await set_budget(connection, self.adw_id, budget_usd=None if usd is None else Decimal(usd))

    async def ask(self, **fields: Any) -> httpx.Response:
        return await self.client.post("/v1/messages?beta=true", headers=self.headers, json=self.question(**fields))

    @staticmethod
    def question(**fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": "Say something"}]
        return {"model": MODEL, "max_tokens": 2000, "stream": True, "messages": messages} | fields

    @classmethod
    def grant(cls, **fields: Any) -> RunGrant:
        known = {"agent_run_id": "run-1", "adw_id": cls.adw_id, "phase": "build", "attempt": 1, "role": "implementor"}
        return RunGrant(**(known | fields))

    async def rows(self) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(select(model_requests).order_by("started_at"))).all())

    async def account(self) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(select(workflow_budgets))).one()

    async def eventually(self, condition: Callable[[], Awaitable[Any]]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (result := await condition()):
            assert time.monotonic() < deadline, "the condition did not come true in time"
            await asyncio.sleep(0.01)
        return result

    async def settled(self, count: int = 1) -> list[Any]:
        async def closed_rows() -> list[Any]:
            rows = await self.rows()
            return rows if len(rows) == count and all(row.state != "reserved" for row in rows) else []

        return await self.eventually(closed_rows)


RigOf = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def rig_of(engine: AsyncEngine, model_api: StandIn) -> RigOf:
    """A rig with other options than the usual ones."""
    return lambda **options: rig_for(engine, model_api, **options)


@asynccontextmanager
async def rig_for(engine: AsyncEngine, model_api: StandIn, **options: Any) -> AsyncIterator[Rig]:
    warnings: list[Any] = []

    async def note(warning: Any) -> None:
        warnings.append(warning)

    upstream = Upstream(base_url=model_api.url, credential=Credential(kind="api_key", value=REAL_KEY))
    settings = {"book": UsageBook(engine), "upstream": upstream, "prices": price_table({}), "on_budget_warning": note}
    async with (
        Gateway(**(settings | options)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, timeout=DEADLINE_S, trust_env=False) as client,
    ):
        rig = Rig(gateway, engine, client, model_api)
        rig.warnings = warnings
        yield rig


@pytest.fixture
async def rig(engine: AsyncEngine, model_api: StandIn) -> AsyncIterator[Rig]:
    async with rig_for(engine, model_api) as rig:
        yield rig


@pytest.fixture
def sse() -> type[Sse]:
    return Sse
