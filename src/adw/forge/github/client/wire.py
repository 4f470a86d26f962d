"""Requests over HTTP: redirects followed with care, and broken connections told apart by what may have happened."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from adw.kit.errors import ForgeError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_MOST_REDIRECTS = 5
_MOST_BYTES = 256 * 1024 * 1024
TIMEOUT_S = 90.0
"""For a whole exchange, however slowly it comes."""


class BrokenError(Exception):
    """There was no answer. `was_sent` tells whether GitHub may have acted on the request."""

    def __init__(self, why: str, *, was_sent: bool) -> None:
        super().__init__(why)
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`may_leave` allows redirects to other hosts, which never see the credential. `tail` keeps only the end."""

    method: str
    url: str
    headers: Mapping[str, str]
    authorization: str | None = None
    content: bytes | None = None
    may_leave: bool = False
    tail: int | None = None

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Network:
    """Connections, made when the first request goes out: reading the certificates of all authorities takes time."""

    def __init__(self, http: httpx.AsyncClient | None = None) -> None:
        """`http` replaces the network in tests."""
        self._http = http

    @property
    def http(self) -> httpx.AsyncClient:
        if self._http is None:
            timeout = httpx.Timeout(30.0, connect=10.0, pool=60.0)
            limits = httpx.Limits(max_connections=32, max_keepalive_connections=8, keepalive_expiry=20.0)
            self._http = httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False)
        return self._http

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()


async def exchange(http: httpx.AsyncClient, request: Request) -> Reply:
    """One request, redirects followed. Raises `BrokenError` when no answer came."""
    url, method, content = request.url, request.method, request.content
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(_MOST_REDIRECTS):
                reply = await _once(http, request, method=method, url=url, content=content)
                target = _target(reply, request, method=method, url=url)
                if target is None:
                    return reply
                url = target
    except TimeoutError as error:
        raise BrokenError(f"no answer within {TIMEOUT_S:g} s", was_sent=True) from error
    raise ForgeError(f"GitHub redirects {request.method} {urlsplit(request.url).path} in circles")


async def _once(http: httpx.AsyncClient, request: Request, *, method: str, url: str, content: bytes | None) -> Reply:
    headers = dict(request.headers)
    if request.authorization is not None and _origin(url) == _origin(request.url):
        headers["authorization"] = request.authorization
    try:
        async with http.stream(method, url, headers=headers, content=content) as response:
            body = await _read(response, tail=request.tail)
            found = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status_code, headers=found, body=body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise BrokenError(_why(error), was_sent=False) from error
    except (httpx.TransportError, httpx.DecodingError, httpx.StreamError) as error:
        raise BrokenError(_why(error), was_sent=True) from error


async def _read(response: httpx.Response, *, tail: int | None) -> bytes:
    """The body, or no more than about `tail` bytes of its end."""
    chunks: deque[bytes] = deque()
    kept = seen = 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        kept, seen = kept + len(chunk), seen + len(chunk)
        while tail is not None and kept - len(chunks[0]) >= tail:
            kept -= len(chunks.popleft())
        if seen > _MOST_BYTES:
            break
    return b"".join(chunks)


def _target(reply: Reply, request: Request, *, method: str, url: str) -> str | None:
    location = reply.headers.get("location")
    if reply.status not in _REDIRECTS or location is None:
        return None
    if method not in {"GET", "HEAD"} and reply.status not in _SAME_METHOD:
        return None
    target = urljoin(url, location)
    if _origin(target) != _origin(request.url) and not request.may_leave:
        raise ForgeError(f"GitHub redirects {method} {urlsplit(url).path} to another host, {urlsplit(target).netloc}")
    return target


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
