"""The whole of an answer: who asks, what goes wrong on order, which route, and the headers around it."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import uuid4

import orjson

from adw.forge.github_stand_in import graph, routes
from adw.forge.github_stand_in.access import Actor, authenticate, demand
from adw.forge.github_stand_in.asgi import Receive, Reply, Request, Scope, Send, cut, read_request, send_reply
from adw.forge.github_stand_in.budget import GRAPHQL, Budgets
from adw.forge.github_stand_in.effects import Effects
from adw.forge.github_stand_in.errors import RefusedError
from adw.forge.github_stand_in.faults import Fault, Faults, Past, failure, refusal
from adw.forge.github_stand_in.git_http import GitHttp, is_git
from adw.forge.github_stand_in.hooks import Hooks
from adw.forge.github_stand_in.routing import Call, Route, find_route
from adw.forge.github_stand_in.shapes.core import Shapes
from adw.forge.github_stand_in.world import World
from adw.kit.errors import AdwError

_PREFIXES = ("/api/v3", "/api")
_LOG = re.compile(r"/_logs/(?P<name>[^/]+/[^/]+)/(?P<job>[0-9]{1,18})\.txt")
_MOST_KEPT = 20_000
_API_VERSION = "2022-11-28"

__all__ = ["App", "Asked", "graph", "routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request and its answer, without any token. `template` is the route's address, None where there is none.

    `answer` is for observers alone, for all of them together would fill the memory. `injected` says that the answer is
    a fault that was ordered.
    """

    method: str
    path: str
    query: str
    template: str | None
    login: str | None
    body: Any
    status: int
    headers: dict[str, str]
    answer: Any
    injected: bool


class App:
    """An ASGI application over one world."""

    def __init__(
        self, world: World, *, hooks: Hooks, faults: Faults, observe: Callable[[Asked], None] | None = None
    ) -> None:
        self.effects = Effects(world, hooks)
        self.requests: list[Asked] = []
        self._world = world
        self._faults = faults
        self._observe = observe
        self._budgets = Budgets(limit=world.rate_limit)
        self._git = GitHttp(world, self.effects)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            request = _without_prefix(await read_request(scope, receive))
        except EOFError:
            return
        reply = await self.answer(request)
        if reply is None:
            cut(request)
        else:
            await send_reply(reply, send, head_only=request.method == "HEAD")

    async def answer(self, request: Request) -> Reply | None:
        """None where the connection is to be closed without a word."""
        fault = self._faults.take(request)
        if fault is not None and (reply := refusal(fault)) is not None:
            return self._noted(request, None, Actor(), reply, injected=True)
        if fault is not None and fault.kind == "lost_before":
            return None
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        before = copy.deepcopy(self._world) if fault is not None and fault.kind == "stale" else None
        reply = await self._done(request)
        if before is not None and fault is not None:
            past = Past(world=before, until=time.monotonic() + fault.seconds, reads=fault.reads)
            self._faults.pasts.append(past)
        return self._after(fault, reply)

    async def _done(self, request: Request) -> Reply:
        actor, route = Actor(), None
        try:
            actor = authenticate(self._world, request)
            if (log := self._job_log(request)) is not None:
                return log
            if is_git(request):
                return self._noted(request, None, actor, await self._git.answer(request, actor))
            self._budgets.check(_asker(request, actor))
            route, parts = find_route(request.method, request.path)
            reply = await self._routed(request, route, parts, actor)
        except RefusedError as error:
            reply = error.reply()
        except AdwError as error:  # git itself failed
            reply = Reply(status=500, json={"message": error.message})
        return self._noted(request, route, actor, self._dressed(request, actor, reply))

    async def _routed(self, request: Request, route: Route, parts: dict[str, str], actor: Actor) -> Reply:
        world = self._faults.past(request) or self._world
        repository = None
        if "owner" in parts and route.needs != "app":
            repository = world.repository(f"{parts['owner']}/{parts['repo']}")
            demand(world, actor, repository, route.needs)
        if route.needs == "account" and actor.login is None:
            raise RefusedError(401, "Requires authentication")
        if request.method not in {"GET", "HEAD"} and actor.login is None and actor.app is None:
            raise RefusedError(401, "Requires authentication")
        call = Call(
            request=request,
            world=world,
            effects=self.effects,
            shapes=Shapes(world),
            budgets=self._budgets,
            actor=actor,
            parts=parts,
            repository=repository,
            query=request.query,
        )
        return await route.handler(call)

    def _job_log(self, request: Request) -> Reply | None:
        """The log a job's redirect leads to; whoever knows the address may read it, as with GitHub's."""
        found = _LOG.fullmatch(request.path)
        repository = self._world.repositories.get(found["name"].lower()) if found else None
        run = repository.runs.get(int(found["job"])) if repository and found else None
        return Reply(raw=run.log.encode(), headers={"content-type": "text/plain; charset=utf-8"}) if run else None

    def _dressed(self, request: Request, actor: Actor, reply: Reply) -> Reply:
        """With the headers that every answer of GitHub's has; an unchanged reading becomes a 304 that costs nothing."""
        reply.headers.setdefault("x-github-request-id", uuid4().hex[:24].upper())
        reply.headers.setdefault("x-github-media-type", "github.v3; format=json")
        reply.headers.setdefault("x-github-api-version-selected", _API_VERSION)
        if request.method == "GET" and reply.status == 200:  # noqa: PLR2004 - the status itself
            tag = f'W/"{hashlib.sha256(reply.body + actor.budget.encode()).hexdigest()}"'
            reply.headers["etag"] = tag
            reply.headers.setdefault("cache-control", "private, max-age=60, s-maxage=60")
            reply.headers.setdefault("vary", "Accept, Authorization, Cookie, X-GitHub-OTP")
            if tag in request.headers.get("if-none-match", ""):
                reply = Reply(status=304, headers=reply.headers)
        if reply.status != 304 and request.path != "/rate_limit":  # noqa: PLR2004 - the same
            self._budgets.spend(_asker(request, actor))
        reply.headers = {**self._budgets.headers(_asker(request, actor)), **reply.headers}
        return reply

    def _noted(
        self, request: Request, route: Route | None, actor: Actor, reply: Reply, *, injected: bool = False
    ) -> Reply:
        asked = Asked(
            method=request.method,
            path=request.path,
            query=request.raw_query,
            template=route.template if route else None,
            login=actor.login,
            body=_document(request),
            status=reply.status,
            headers=dict(reply.headers),
            answer=_without_tokens(reply.json),
            injected=injected,
        )
        if self._observe is not None:
            self._observe(asked)
        if len(self.requests) >= _MOST_KEPT:
            del self.requests[: _MOST_KEPT // 2]
        self.requests.append(replace(asked, answer=None))
        return reply

    @staticmethod
    def _after(fault: Fault | None, reply: Reply) -> Reply | None:
        if fault is not None and fault.kind == "error_after":
            return failure(fault)
        return None if fault is not None and fault.kind == "lost" else reply


def _without_prefix(request: Request) -> Request:
    path = request.path
    for prefix in _PREFIXES:
        if path.startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
            break
    return Request(
        method=request.method,
        path=path,
        raw_query=request.raw_query,
        headers=request.headers,
        body=request.body,
        transport=request.transport,
    )


def _asker(request: Request, actor: Actor) -> str:
    return f"{actor.budget}{GRAPHQL}" if request.path == "/graphql" else actor.budget


def _document(request: Request) -> Any:
    if is_git(request) or not request.body:
        return None
    try:
        return _without(orjson.loads(request.body), name="config", secret="secret")  # noqa: S106 - its name
    except orjson.JSONDecodeError:
        return None


def _without_tokens(answer: Any) -> Any:
    return _hidden(answer, "token")


def _without(document: Any, *, name: str, secret: str) -> Any:
    """A copy in which the secret inside a part is hidden."""
    if not isinstance(document, dict):
        return document
    shown = cast("dict[str, Any]", document)
    return {**shown, name: _hidden(shown[name], secret)} if name in shown else shown


def _hidden(part: Any, secret: str) -> Any:
    if not isinstance(part, dict):
        return part
    shown = cast("dict[str, Any]", part)
    return {**shown, secret: "********"} if secret in shown else shown
