"""Workflows followed while they run, of the client for programs with an event loop."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from adw.client import calls
from adw.client import types as t
from adw.client.answers import event_in, is_person_needed, raise_problem, transport_error
from adw.client.asynchronous.connection import CONNECT_TIMEOUT_S, AsyncConnection
from adw.client.calls import Call
from adw.client.messages import OVER, MessageReader
from adw.domain.status import UNFINISHED, Status
from adw.kit.errors import UnreachableError

STREAM_TIMEOUT_S = 60.0
"""The server says something at least every 15 s while events are followed."""
PATIENCE_S = 30.0
_PAUSE_S = 0.25


class AsyncFollowing(AsyncConnection):
    """Workflows followed while they run."""

    async def stream_events(
        self, adw_id: str, *, after: int = 0, types: Sequence[str] = ()
    ) -> AsyncIterator[t.EventDict]:
        """Events as they happen, until the workflow has ended or the server stops."""
        import httpx

        call = calls.records.stream_events(adw_id, after=after, types=types)
        timeout = httpx.Timeout(STREAM_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        try:
            async with self._http().stream("GET", call.path, params=call.query, timeout=timeout) as response:
                if not response.is_success:
                    await response.aread()
                    raise_problem(response)
                async for line in response.aiter_lines():
                    event = event_in(line)
                    if event is not None:
                        yield event
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise transport_error(self.url, error) from error

    async def follow(
        self, adw_id: str, *, after: int = 0, types: Sequence[str] = (), patience_s: float = PATIENCE_S
    ) -> AsyncIterator[t.EventDict]:
        """A workflow's events until it has ended, over breaks of the connection, none twice and none missing.

        Raises `UnreachableError` when the server is gone for longer than `patience_s`.
        """
        async for event in self._follow(calls.records.follow(adw_id, types=types), str(after), patience_s=patience_s):
            yield event

    async def follow_all(
        self, *, after: str | None = None, types: Sequence[str] = (), patience_s: float = PATIENCE_S
    ) -> AsyncIterator[t.EventDict]:
        """Events of all workflows, without end, after the one with that `cursor` or from now on; see `follow`."""
        async for event in self._follow(calls.records.follow_all(types=types), after, patience_s=patience_s):
            yield event

    async def _follow(
        self, call: Call[t.EventDict], place: str | None, *, patience_s: float
    ) -> AsyncIterator[t.EventDict]:
        import asyncio

        import httpx

        reader, seen_at = MessageReader(place), time.monotonic()
        timeout = httpx.Timeout(STREAM_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        while True:
            try:
                async with self._http().stream(
                    "GET", call.path, params=call.query, headers=reader.headers, timeout=timeout
                ) as response:
                    if response.status_code == OVER:
                        return
                    if not response.is_success:
                        await response.aread()
                        raise_problem(response)
                    async for line in response.aiter_lines():
                        seen_at = time.monotonic()
                        event = reader.read(line)
                        if event is not None:
                            yield event
            except (httpx.TransportError, httpx.InvalidURL) as error:
                if time.monotonic() - seen_at > patience_s:
                    raise transport_error(self.url, error) from error
            await asyncio.sleep(_PAUSE_S)

    async def wait(
        self,
        adw_id: str,
        *,
        on_event: Callable[[t.EventDict], Awaitable[None]] | None = None,
        after: int = 0,
        stop_for_person: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> t.WorkflowDict:
        """Waits until the workflow has ended and returns it; a server that restarts meanwhile is waited for.

        With `stop_for_person` it also returns when the workflow waits for an answer. Raises `UnreachableError` when
        the server is gone for longer than `patience_s`.
        """
        seen_at = time.monotonic()
        while True:
            try:
                async for event in self.stream_events(adw_id, after=after):
                    after, seen_at = event["seq"], time.monotonic()
                    if on_event is not None:
                        await on_event(event)
                    if stop_for_person and event["type"] == "workflow_waiting":
                        break
                workflow = await self.send(calls.workflows.get_workflow(adw_id))
                seen_at = time.monotonic()
            except UnreachableError:
                if time.monotonic() - seen_at > patience_s:
                    raise
            else:
                if Status(workflow["status"]) not in UNFINISHED:
                    return workflow
                if stop_for_person and is_person_needed(workflow["status"], workflow["waitReason"]):
                    return workflow
            import asyncio

            await asyncio.sleep(_PAUSE_S)
