"""The ways an answer can fail. Each ends, or never ends, one exchange; which one is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson

from adw.agents.scripted_model import sse
from adw.agents.scripted_model.answer import Answer
from adw.agents.scripted_model.asgi import Exchange
from adw.agents.scripted_model.scenario import Reply

_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low."),
    403: ("permission_error", "This key may not use the model."),
    404: ("not_found_error", "There is no such model."),
    413: ("request_too_large", "The request exceeds the maximum size."),
    429: ("rate_limit_error", "Number of requests exceeds the rate limit."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    529: ("overloaded_error", "Overloaded"),
}

# Long enough that the other side has read what came before the reset, which would discard it.
_BEFORE_RESET_S = 0.02


def error_body(status: int, message: str | None = None) -> dict[str, object]:
    kind, usual = _ERRORS[status]
    return {"type": "error", "error": {"type": kind, "message": message or usual}}


async def send_status(exchange: Exchange, reply: Reply, status: int) -> None:
    headers = dict(reply.headers)
    if reply.retry_after_s is not None:
        headers["retry-after"] = str(reply.retry_after_s)
    await exchange.respond_json(status, error_body(status, reply.message), headers=headers)


def half_of_stream(answer: Answer) -> list[bytes]:
    """The opening and the first half of the content's events: never the last one."""
    events = list(sse.contents(answer))
    return [sse.opening(answer), *events[: len(events) // 2]]


async def send_broken_stream(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    await exchange.start(200, content_type="text/event-stream", headers=reply.headers)
    await _BROKEN_STREAMS[str(reply.fault)](exchange, answer, reply)


async def send_broken_whole(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    """A non-streaming answer that fails in the same way."""
    if reply.fault == "error_event":
        await exchange.respond_json(500, error_body(500, reply.message), headers=reply.headers)
        return
    if reply.fault == "nonsense":
        await exchange.start(200, content_type="application/json", headers=reply.headers)
        await exchange.finish(b"<html>It works!</html>")
        return
    data = orjson.dumps(answer.as_message())
    sized = dict(reply.headers) | {"content-length": str(len(data))}
    await exchange.start(200, content_type="application/json", headers=sized)
    if reply.fault != "stall":
        await exchange.write(data[: len(data) // 2])
    await _end_unfinished(exchange, reply)


async def _break_off(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    for chunk in half_of_stream(answer):
        await exchange.write(chunk)
    await _end_unfinished(exchange, reply)


async def _end_unfinished(exchange: Exchange, reply: Reply) -> None:
    if reply.fault in ("hang", "stall"):
        await exchange.wait_for_disconnect()
        return
    await asyncio.sleep(_BEFORE_RESET_S)
    await exchange.hang_up(reset=reply.fault == "drop")


async def _error_event(exchange: Exchange, answer: Answer, reply: Reply) -> None:
    for chunk in half_of_stream(answer):
        await exchange.write(chunk)
    kind, usual = _ERRORS[529]
    error = {"type": kind, "message": reply.message or usual}
    await exchange.finish(sse.encode({"type": "error", "error": error}))


async def _nonsense(exchange: Exchange, _answer: Answer, _reply: Reply) -> None:
    await exchange.finish(b"event: message_start\ndata: {not json at all\n\ndata: <html>It works!</html>\n\n")


async def _stall(exchange: Exchange, _answer: Answer, _reply: Reply) -> None:
    await exchange.wait_for_disconnect()


_BROKEN_STREAMS: Mapping[str, Callable[[Exchange, Answer, Reply], Awaitable[None]]] = {
    "drop": _break_off,
    "cut": _break_off,
    "hang": _break_off,
    "error_event": _error_event,
    "nonsense": _nonsense,
    "stall": _stall,
}

BREAKING_FAULTS = frozenset(_BROKEN_STREAMS)
