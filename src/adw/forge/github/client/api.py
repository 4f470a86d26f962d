"""One address of GitHub's API with one credential: budget, cache, repeats and refusals in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import orjson

from adw.forge.github.client.access import Access, Pass
from adw.forge.github.client.call import Answer, Call
from adw.forge.github.client.errors import as_error, limit_error, unclear_error
from adw.forge.github.client.failures import Failure, FailureKind, classify
from adw.forge.github.client.headers import read_headers
from adw.forge.github.client.kept import KeptAnswers, request_name
from adw.forge.github.client.turns import Patience, Turns
from adw.forge.github.client.wire import BrokenError, Network, Reply, Request, exchange
from adw.kit.clock import Clock
from adw.kit.errors import AdwError, ForgeError
from adw.store.github_cache import KeptAnswer

API_VERSION = "2022-11-28"
_AGENT = "adw-orchestrator"
_NOT_MODIFIED = 304
_REDIRECTED = range(300, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trouble:
    """Why there is no answer yet. `pause`: wait before asking again; a limit is waited for at the next turn."""

    error: AdwError
    may_repeat: bool
    pause: bool = True


class GitHubApi:
    """Sends calls. Raises errors of our own tree; see `Call.accept` for refusals that are no errors."""

    def __init__(
        self,
        *,
        api_url: str,
        network: Network,
        access: Access,
        turns: Turns,
        kept: KeptAnswers,
        patience: Patience,
        clock: Clock,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._network = network
        self._access = access
        self._turns = turns
        self._kept = kept
        self._repeats_s = patience.repeats_s
        self._clock = clock

    async def send(self, call: Call) -> Answer:
        """The answer, after as many repeats as are harmless.

        Raises `ForgeUnclearError` when the effect may have happened although nothing said so.
        """
        return await self._persist(call, lambda: self._try(call))

    async def tail(self, call: Call, *, most_bytes: int) -> Answer:
        """The end of a long text that lies on another host, which does not see our credential."""
        return await self._persist(call, lambda: self._try_tail(call, most_bytes=most_bytes))

    async def git_pass(self, repository: str) -> Pass:
        """What git shows to get at a repository."""
        call = Call(method="GET", path="", what=f"get at {repository}", repository=repository)
        return await self._access.pass_for(call, self.send)

    async def _persist(self, call: Call, attempt: Callable[[], Awaitable[Answer | _Trouble]]) -> Answer:
        for pause_s in (*self._repeats_s, None):
            outcome = await attempt()
            if isinstance(outcome, Answer):
                return outcome
            if pause_s is None or not outcome.may_repeat:
                raise outcome.error
            if outcome.pause:
                await asyncio.sleep(pause_s)
        raise AssertionError(call.what)

    async def _try_tail(self, call: Call, *, most_bytes: int) -> Answer | _Trouble:
        shown = await self._access.pass_for(call, self.send)
        request = replace(self._request(call, shown, kept=None), may_leave=True, tail=most_bytes)
        async with self._turns.turn(shown.name, resource=call.resource, cost=call.cost):
            try:
                reply = await exchange(self._network.http, request)
            except BrokenError as error:
                return _broken(call, error)
        return await self._read(call, shown, reply)

    async def _try(self, call: Call) -> Answer | _Trouble:
        shown = await self._access.pass_for(call, self.send)
        name = request_name(url=self._url(call), media=call.media)
        kept = await self._kept.find(shown.name, name) if call.is_reading else None
        async with self._turns.turn(shown.name, resource=call.resource, cost=call.cost):
            try:
                reply = await exchange(self._network.http, self._request(call, shown, kept=kept))
            except BrokenError as error:
                return _broken(call, error)
        if reply.status == _NOT_MODIFIED and kept is not None:
            await self._turns.note(shown.name, read_headers(reply.headers, now=self._clock.now()).allowance)
            await self._kept.note_use(shown.name, name)
            return _as_before(reply, kept)
        outcome = await self._read(call, shown, reply)
        if call.is_reading and isinstance(outcome, Answer):
            await self._kept.keep(shown.name, name, reply)
        return outcome

    async def _read(self, call: Call, shown: Pass, reply: Reply) -> Answer | _Trouble:
        now = self._clock.now()
        await self._turns.note(shown.name, read_headers(reply.headers, now=now).allowance)
        failure = classify(status=reply.status, headers=reply.headers, body=reply.body, now=now)
        if reply.status in _REDIRECTED:
            return _Trouble(error=ForgeError(f"GitHub has moved what was asked for: {call.what}"), may_repeat=False)
        if failure is None or failure.kind in call.accept:
            return Answer(status=reply.status, headers=reply.headers, body=reply.body, failure=failure)
        if failure.is_limit:
            return await self._limited(shown, failure)
        if failure.kind is FailureKind.UNAUTHENTICATED:
            renewed = self._access.forget(shown)
            return _Trouble(error=as_error(failure, what=call.what), may_repeat=renewed, pause=False)
        return _failed(call, failure)

    async def _limited(self, shown: Pass, failure: Failure) -> _Trouble:
        if failure.kind is FailureKind.SECONDARY_LIMIT or failure.until is None:
            await self._turns.hold(shown.name, for_s=failure.retry_after_s)
        return _Trouble(error=limit_error(failure.until), may_repeat=True, pause=False)

    def _request(self, call: Call, shown: Pass, *, kept: KeptAnswer | None) -> Request:
        headers = {"accept": call.media, "user-agent": _AGENT, "x-github-api-version": API_VERSION}
        if kept is not None:
            headers["if-none-match"] = kept.etag
        content = None
        if call.json is not None:
            headers["content-type"] = "application/json"
            content = orjson.dumps(call.json)
        return Request(
            method=call.method, url=self._url(call), headers=headers, authorization=shown.header, content=content
        )

    def _url(self, call: Call) -> str:
        base = _graphql_base(self._api_url) if call.resource == "graphql" else self._api_url
        query = f"?{urlencode(call.query)}" if call.query else ""
        return f"{base}{call.path}{query}"


def _as_before(reply: Reply, kept: KeptAnswer) -> Answer:
    headers = dict(reply.headers) | {"etag": kept.etag}
    if kept.link is not None:
        headers["link"] = kept.link
    return Answer(status=200, headers=headers, body=kept.body, is_same=True)


def _broken(call: Call, error: BrokenError) -> _Trouble:
    if not error.was_sent:
        unreachable = ForgeError(
            f"GitHub cannot be reached to {call.what}: {error}", hint="check the network and GITHUB_API_URL"
        )
        return _Trouble(error=unreachable, may_repeat=True)
    if call.may_repeat:
        return _Trouble(error=ForgeError(f"GitHub did not answer when asked to {call.what}: {error}"), may_repeat=True)
    return _Trouble(error=unclear_error(call.what, str(error)), may_repeat=False)


def _failed(call: Call, failure: Failure) -> _Trouble:
    if failure.kind is not FailureKind.SERVER:
        return _Trouble(error=as_error(failure, what=call.what), may_repeat=False)
    if call.may_repeat:
        return _Trouble(error=as_error(failure, what=call.what), may_repeat=True)
    return _Trouble(error=unclear_error(call.what, f"{failure.status}: {failure.message}"), may_repeat=False)


def _graphql_base(api_url: str) -> str:
    """An Enterprise server answers REST below `/api/v3` and GraphQL below `/api`."""
    return api_url.removesuffix("/v3") if api_url.endswith("/api/v3") else api_url
