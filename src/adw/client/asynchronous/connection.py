"""The connection of the client for programs with an event loop: opened at the first call, closed once."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from adw.client.answers import check_address, transport_error, value_of
from adw.client.calls import Call

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0


class AsyncConnection:
    """What every call goes through."""

    def __init__(self, url: str, token: str, *, actor: str = "api", timeout_s: float = 120.0) -> None:
        self.url = check_address(url)
        self.actor = actor
        self._token = token
        self._timeout_s = timeout_s
        self._opened: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def send(self, call: Call[T]) -> T:
        """Sends a request and returns its typed answer."""
        import httpx

        headers = {} if call.key is None else {"Idempotency-Key": call.key}
        try:
            response = await self._http().request(
                call.method, call.path, params=call.query, json=call.json, headers=headers
            )
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error
        return value_of(call, response)

    def _http(self) -> httpx.AsyncClient:
        if self._opened is None:
            import httpx

            # No proxy and no netrc from the environment: both would take the token elsewhere.
            self._opened = httpx.AsyncClient(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return self._opened
