"""A network on which one chosen request goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import httpx

Trouble = Literal["lost", "error_after", "error", "limited"]
TROUBLES: tuple[Trouble, ...] = ("lost", "error_after", "error", "limited")
"""No answer although it was done; 502 although it was done; 502 and nothing done; a secondary limit."""


class TroubledNetwork(httpx.AsyncBaseTransport):
    """Counts requests from 1; the one with number `at` goes wrong."""

    def __init__(self, trouble: Trouble | None = None, *, at: int = 0) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=False)
        self._trouble = trouble
        self._at = at
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{'READ' if _is_reading(request) else request.method} {request.url.path}")
        if self._trouble is None or len(self.asked) != self._at:
            return await self._inner.handle_async_request(request)
        if self._trouble in {"lost", "error_after"}:
            response = await self._inner.handle_async_request(request)
            await response.aread()
            await response.aclose()
        return _ANSWERS[self._trouble](request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _is_reading(request: httpx.Request) -> bool:
    return request.method == "GET" or b'"query":"\\nquery' in request.content


def _lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer came", request=request)


def _bad_gateway(request: httpx.Request) -> httpx.Response:
    return httpx.Response(502, text="<html>Unicorn</html>", request=request)


def _limited(request: httpx.Request) -> httpx.Response:
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
    return httpx.Response(403, json=body, headers={"retry-after": "0"}, request=request)


_ANSWERS: dict[Trouble, Callable[[httpx.Request], httpx.Response]] = {
    "lost": _lost,
    "error_after": _bad_gateway,
    "error": _bad_gateway,
    "limited": _limited,
}
