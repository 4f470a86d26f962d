"""One question to the model and its answer, asked again when that may help."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

import httpx
import orjson

from adw.agents.failures import Report
from adw.agents.plain.sse import Answer, BrokenStreamError, Event, events_of
from adw.domain.agent import AgentMessage, AgentTask

_LONGEST_WAIT_S = 60.0
_FIRST_WAIT_S = 0.5
_LONGEST_OWN_WAIT_S = 8.0
_SERVER_ERRORS = 500
_REPEATED_STATUSES = frozenset({408, 409, 429})
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSettings:
    """How the model is asked."""

    max_retries: int = 4
    silence_timeout_s: float = 120.0
    """How long the gateway may say nothing before the question is asked again."""
    max_output_tokens: int = 32_000


class ModelFailedError(Exception):
    """No answer was to be had. `retries` counts the repeats that were in vain."""

    def __init__(self, report: Report, *, retries: int) -> None:
        self.report = report
        self.retries = retries
        super().__init__(report.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """Why one attempt failed, and whether another may help. `wait_s` is what the other side asked for."""

    report: Report
    may_pass: bool
    wait_s: float | None = None


def open_client(task: AgentTask, *, settings: PlainSettings) -> httpx.AsyncClient:
    """A client of the gateway with the run's token; proxies are not asked for what is on this machine."""
    return httpx.AsyncClient(
        base_url=task.gateway_url,
        headers={"x-api-key": task.run_token, "anthropic-version": "2023-06-01", "user-agent": "adw-plain-runtime"},
        timeout=httpx.Timeout(settings.silence_timeout_s),
        trust_env=False,
        # reading the machine's certificates takes longer than a whole turn, and the gateway speaks plain HTTP
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )


async def ask(
    client: httpx.AsyncClient,
    body: Mapping[str, Any],
    *,
    settings: PlainSettings,
    hear: Callable[[Event], None],
    say: Callable[[AgentMessage], None],
) -> Answer:
    """The answer; `hear` gets every event of it, those of broken attempts too. Raises ModelFailedError."""
    retries = 0
    while True:
        outcome = await _attempt(client, body, retries=retries, hear=hear)
        if isinstance(outcome, Answer):
            return outcome
        wait_s = min(_FIRST_WAIT_S * 2**retries, _LONGEST_OWN_WAIT_S) if outcome.wait_s is None else outcome.wait_s
        if not outcome.may_pass or retries == settings.max_retries or wait_s > _LONGEST_WAIT_S:
            raise ModelFailedError(outcome.report, retries=retries)
        retries += 1
        say(_retry_message(outcome.report, wait_s=wait_s, attempt=retries, of=settings.max_retries))
        await asyncio.sleep(wait_s)


async def _attempt(
    client: httpx.AsyncClient, body: Mapping[str, Any], *, retries: int, hear: Callable[[Event], None]
) -> Answer | _Trouble:
    headers = {"content-type": "application/json", "x-stainless-retry-count": str(retries)}
    answer = Answer()
    try:
        async with client.stream("POST", "/v1/messages", content=orjson.dumps(body), headers=headers) as response:
            if not response.is_success:
                return _refused(response, await response.aread())
            async with aclosing(events_of(response.aiter_lines())) as events:
                async for event in events:
                    hear(event)
                    answer.take(event)
    except httpx.TransportError as error:
        text = f"The connection to the model API failed: {type(error).__name__} {error}".rstrip()
        return _Trouble(report=Report(subtype="api", text=text), may_pass=True)
    except BrokenStreamError as error:
        return _Trouble(report=Report(subtype="api", text=str(error), status=error.status), may_pass=True)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        text = f"The stream of the model API makes no sense: {type(error).__name__} {error}"
        return _Trouble(report=Report(subtype="api", text=text), may_pass=True)
    if not answer.is_complete:
        return _Trouble(report=Report(subtype="api", text="The stream of the model API ended early"), may_pass=True)
    return answer


def _refused(response: httpx.Response, content: bytes) -> _Trouble:
    status, text = response.status_code, _message_in(content)
    advice = response.headers.get("x-should-retry")
    usual = status in _REPEATED_STATUSES or status >= _SERVER_ERRORS
    said = f"API Error: {status} {text}"
    reason = None
    if status == _TOO_LARGE or "prompt is too long" in text.lower():
        reason = "prompt_too_long"
    return _Trouble(
        report=Report(subtype="api", status=status, reason=reason, text=said),
        may_pass=usual if advice is None else advice == "true",
        wait_s=_seconds(response.headers.get("retry-after")),
    )


def _message_in(content: bytes) -> str:
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        return content[:500].decode(errors="replace")
    error = cast("Mapping[str, Any]", data).get("error") if isinstance(data, dict) else None
    said = cast("Mapping[str, Any]", error).get("message") if isinstance(error, dict) else None
    return str(said or content[:500].decode(errors="replace"))


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None


def _retry_message(report: Report, *, wait_s: float, attempt: int, of: int) -> AgentMessage:
    reason = f"HTTP {report.status}" if report.status is not None else "no connection"
    text = f"Model request failed ({reason}); attempt {attempt} of {of}, waiting {wait_s:.1f} s"
    return AgentMessage(kind="retry", text=text, is_error=True)
