"""The connection of the client for programs without an event loop: opened at the first call, closed once."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from adw.client.answers import check_address, transport_error, value_of
from adw.client.calls import Call

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0


class Connection:
    """What every call goes through."""

    def __init__(self, url: str, token: str, *, actor: str = "api", timeout_s: float = 120.0) -> None:
        self.url = check_address(url)
        self.actor = actor
        self._token = token
        self._timeout_s = timeout_s
        self._opened: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def send(self, call: Call[T]) -> T:
        """Sends a request and returns its typed answer."""
        import httpx

        headers = {} if call.key is None else {"Idempotency-Key": call.key}
        try:
            response = self._http().request(call.method, call.path, params=call.query, json=call.json, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error
        return value_of(call, response)

    def _http(self) -> httpx.Client:
        if self._opened is None:
            import httpx

            # No proxy and no netrc from the environment: both would take the token elsewhere.
            self._opened = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return self._opened
