"""One request on its way to the model API, and its answer on the way back, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from time import perf_counter
from typing import Any

import httpx

from adw.gateway.asgi import Call
from adw.gateway.meter import Meter
from adw.gateway.replies import UNREACHABLE
from adw.gateway.upstream import downstream_headers
from adw.kit.log import get_logger

log = get_logger("gateway")

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.WriteError, httpx.WriteTimeout)


class Exchange:
    """Forwards one request. What happened so far can be read at any time, also after a cancellation."""

    def __init__(
        self,
        *,
        call: Call,
        metered: bool,
        on_answer: Callable[[int, httpx.Headers], bool],
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`on_answer` is told the status and headers before the agent is, and may keep the answer from it; `before_end`
        is awaited before its end.
        """
        self.status: int | None = None
        """The status of the model API's answer; None as long as there is none."""
        self.may_have_arrived = False
        """The request may have reached the model API."""
        self.withheld = False
        """The answer was not passed on: something else is done about the request."""
        self.meter: Meter | None = None
        self.first_byte_ms: int | None = None
        self._call = call
        self._metered = metered
        self._on_answer = on_answer
        self._before_end = before_end
        self._started = perf_counter()

    @property
    def elapsed_ms(self) -> int:
        return int((perf_counter() - self._started) * 1000)

    async def run(self, client: httpx.AsyncClient, request: httpx.Request) -> None:
        """Returns when the answer is over, or has broken off: the client's connection is then cut as well."""
        self.may_have_arrived = True
        try:
            response = await client.send(request, stream=True)
        except httpx.TransportError as error:
            self.may_have_arrived = not isinstance(error, _NEVER_SENT)
            log.warning("upstream_unreachable", reason=type(error).__name__, detail=str(error))
            self._on_answer(UNREACHABLE.status, httpx.Headers())
            await self._end()
            await UNREACHABLE.send(self._call.send)
            return
        try:
            await self._pass_on(response)
        except httpx.TransportError as error:
            log.warning("answer_broke_off", reason=type(error).__name__, detail=str(error))
            await self._end()
            await self._call.cut()
        finally:
            await response.aclose()

    async def _pass_on(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.withheld = self._on_answer(response.status_code, response.headers)
        if self.withheld:
            await self._end()
            return
        meter = self.meter = self._meter_for(response)
        await self._call.send(
            {"type": "http.response.start", "status": response.status_code, "headers": downstream_headers(response)}
        )
        kept = bytearray()
        async for chunk in response.aiter_raw():
            if self.first_byte_ms is None:
                self.first_byte_ms = self.elapsed_ms
            if meter is None:
                await self._send(chunk)
                continue
            meter.feed(chunk)
            if not meter.streams:
                kept += chunk
                continue
            if meter.ended:
                await self._end()
            await self._send(chunk)
        if meter is not None:
            meter.end()
        # The books are closed before the agent can know that its answer is complete, so its next request finds
        # the remainder of the budget as it is.
        await self._end()
        await self._call.send({"type": "http.response.body", "body": bytes(kept)})

    def _meter_for(self, response: httpx.Response) -> Meter | None:
        if not self._metered or response.status_code != HTTPStatus.OK:
            return None
        return Meter(
            content_type=response.headers.get("content-type", ""),
            readable=response.headers.get("content-encoding", "identity") == "identity",
        )

    async def _send(self, chunk: bytes) -> None:
        await self._call.send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _end(self) -> None:
        if self._before_end is not None:
            await self._before_end()


async def while_connected(call: Call, work: asyncio.Task[Any]) -> None:
    """Waits for the work, or cancels it when the client goes away. Re-raises what the work raised.

    Work that somebody else cancelled takes the client's connection with it.
    """
    gone = asyncio.ensure_future(call.gone())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        gone.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)
    if work.cancelled():
        await call.cut()
    else:
        work.result()
