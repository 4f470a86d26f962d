"""What the server said, as a value or as one of our errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from adw.client.calls import Call
from adw.client.types import EventDict
from adw.kit import errors
from adw.kit.errors import AdwError, UnreachableError, UsageError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_START = "start it with `adw serve`, or check the address"

_BY_STATUS: Mapping[int, type[AdwError]] = {
    400: errors.UsageError,
    401: errors.AuthenticationError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    405: errors.UsageError,
    409: errors.ConflictError,
    413: errors.UsageError,
    422: errors.UsageError,
    429: errors.TooManyRequestsError,
    502: errors.ForgeError,
    503: errors.InfrastructureError,
}


def value_of(call: Call[T], response: httpx.Response) -> T:
    """The answer's value; raises the error a problem stands for."""
    if response.status_code != call.also:
        raise_problem(response)
    value: Any
    match call.answer:
        case "text":
            value = response.text
        case "bytes":
            value = response.content
        case "json":
            value = _json(response)
    return cast("T", value)


def raise_problem(response: httpx.Response) -> None:
    """Raises for every status but success. A stream must have been read."""
    if response.is_success:
        return
    problem = _problem(response)
    detail = str(problem.get("detail") or f"the server answered {response.status_code} {response.reason_phrase}")
    kind = _by_code().get(str(problem.get("code"))) or _BY_STATUS.get(response.status_code, AdwError)
    hint = problem.get("hint")
    raise kind(detail, hint=None if hint is None else str(hint))


def check_address(url: str) -> str:
    """The address without a slash at its end; raises UsageError unless it is one of a server."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise _no_address(url)
    return url.rstrip("/")


def transport_error(url: str, error: httpx.TransportError | httpx.InvalidURL) -> AdwError:
    """Our error for one of the HTTP library's."""
    import httpx

    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return _no_address(url)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return UnreachableError(f"no server answers at {url}", hint=_START)
    if isinstance(error, httpx.TimeoutException):
        return UnreachableError(f"the server at {url} did not answer in time", hint="see its log, or try again")
    return UnreachableError(f"the connection to the server at {url} broke", hint="see its log, or try again")


def event_in(line: str) -> EventDict | None:
    """The event in a line of a stream; blank lines only keep the connection alive."""
    return cast("EventDict", json.loads(line)) if line.strip() else None


def _no_address(url: str) -> UsageError:
    return UsageError(f"{url!r} is not the address of a server", hint="use http://HOST:PORT")


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise UnreachableError(f"what answers at {response.url} is not an ADW server", hint=_START) from error


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _by_code() -> dict[str, type[AdwError]]:
    """Only the tree everybody knows: errors of other layers may need more than a sentence to be made."""
    members: list[object] = list(vars(errors).values())
    return {kind.code: kind for kind in members if isinstance(kind, type) and issubclass(kind, AdwError)}


def is_person_needed(status: str, wait_reason: str | None) -> bool:
    """Whether the workflow goes on only after a person has answered."""
    return status == "waiting" and wait_reason in {"approval", "question", "budget", "review"}
