"""The model API behind the gateway: its address, our credential, and which headers may cross in each direction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from typing import Literal

import httpx

from adw.kit.errors import ConfigurationError

DEFAULT_BASE_URL = "https://api.anthropic.com"
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 600.0
OAUTH_BETA = "oauth-2025-04-20"
"""The API accepts a subscription's token only together with this beta."""

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"}
    | {b"te", b"trailer", b"transfer-encoding", b"upgrade"}  # codespell:ignore te
)
_NEVER_UPSTREAM = _HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"expect",
    b"accept-encoding",
    b"x-api-key",
    b"authorization",
    b"cookie",
}
_NEVER_DOWNSTREAM = _HOP_BY_HOP | {b"set-cookie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """The secret that opens the model API, and how it is presented."""

    kind: Literal["api_key", "bearer", "oauth"]
    value: str = field(repr=False)

    @staticmethod
    def first_of(
        *, api_key: str | None = None, auth_token: str | None = None, oauth_token: str | None = None
    ) -> Credential | None:
        """The credential in force of `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN` and `CLAUDE_CODE_OAUTH_TOKEN`."""
        if api_key:
            return Credential(kind="api_key", value=api_key)
        if auth_token:
            return Credential(kind="bearer", value=auth_token)
        return Credential(kind="oauth", value=oauth_token) if oauth_token else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where requests go. Without a credential they go unauthenticated, which suits a scripted model."""

    base_url: str = DEFAULT_BASE_URL
    credential: Credential | None = None

    @property
    def fingerprint(self) -> str:
        """Names the credential at this address without giving it away: what limits are known by."""
        secret = "" if self.credential is None else self.credential.value
        return sha256(f"{self.base_url}\0{secret}".encode()).hexdigest()[:16]

    def client(self) -> httpx.AsyncClient:
        """A connection pool for this upstream. Raises `ConfigurationError` for an address that is none."""
        return httpx.AsyncClient(
            timeout=httpx.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S, write=60.0, pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=not _is_loopback(self._parsed()),
            follow_redirects=False,
        )

    def request(self, method: str, path: str, *, query: bytes, headers: Headers, body: bytes) -> httpx.Request:
        """The agent's request as it leaves for the model API: the same, except for what only we may say."""
        url = self._parsed().copy_with(raw_path=(self._parsed().path.rstrip("/") + path).encode() + _query(query))
        forwarded = [*_allowed(headers, never=_NEVER_UPSTREAM), (b"accept-encoding", b"identity")]
        return httpx.Request(method, url, headers=self._authenticated(forwarded), content=body or None)

    def _authenticated(self, headers: Headers) -> Headers:
        credential = self.credential
        if credential is None:
            return headers
        if credential.kind == "api_key":
            return [*headers, (b"x-api-key", credential.value.encode())]
        bearer = (b"authorization", b"Bearer " + credential.value.encode())
        return [*(_with_beta(headers, OAUTH_BETA) if credential.kind == "oauth" else headers), bearer]

    def _parsed(self) -> httpx.URL:
        try:
            url = httpx.URL(self.base_url)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if url.scheme not in {"http", "https"} or not url.host:
            raise ConfigurationError(
                f"ANTHROPIC_BASE_URL is no address: {self.base_url!r}", hint=f"for example {DEFAULT_BASE_URL}"
            )
        return url


def downstream_headers(response: httpx.Response) -> Headers:
    """What the agent may see of the answer's headers: all but those of the connection, and cookies."""
    return _allowed(((name.lower(), value) for name, value in response.headers.raw), never=_NEVER_DOWNSTREAM)


def _allowed(headers: Iterable[tuple[bytes, bytes]], *, never: frozenset[bytes]) -> Headers:
    known = list(headers)
    named = {token.strip().lower() for name, value in known if name == b"connection" for token in value.split(b",")}
    return [(name, value) for name, value in known if name not in never and name not in named]


def _with_beta(headers: Headers, beta: str) -> Headers:
    betas = [value for name, value in headers if name == b"anthropic-beta"]
    others = [(name, value) for name, value in headers if name != b"anthropic-beta"]
    return [*others, (b"anthropic-beta", b",".join([*betas, beta.encode()]))]


def _query(query: bytes) -> bytes:
    return b"?" + query if query else b""


def _is_loopback(url: httpx.URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return False
