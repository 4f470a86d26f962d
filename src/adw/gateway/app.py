"""What the gateway does with a request: who asks, what for, may it be afforded; then it is passed on."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import httpx

from adw.domain.budget import BudgetWarning, Refusal, Reservation
from adw.domain.prices import price_table
from adw.domain.usage import Price
from adw.gateway import replies
from adw.gateway.asgi import CONNECTION, BodyTooLargeError, Call, ClientGoneError, Receive, Send
from adw.gateway.booking import OpenRequest, Settler, claim_for, refusal_text
from adw.gateway.exchange import Exchange, while_connected
from adw.gateway.grants import Admissions, RunRecord
from adw.gateway.limits import LONGEST_HOLD_S, SharedLimit
from adw.gateway.model_request import ModelRequest, UnreadableRequestError, parse_request
from adw.gateway.upstream import Upstream
from adw.kit.errors import DatabaseError
from adw.kit.log import get_logger
from adw.ports.gateway import RunGrant
from adw.store.usage import UsageBook

log = get_logger("gateway")

BODY_LIMIT_BYTES = 64 << 20

_MODELS = re.compile(r"/v1/models(/\w[\w.:@-]*)?", re.ASCII)


class GatewayApp:
    """The ASGI application. One for all runs of a worker."""

    def __init__(
        self,
        *,
        admissions: Admissions,
        book: UsageBook,
        upstream: Upstream,
        client: httpx.AsyncClient,
        prices: Mapping[str, Price],
        limit: SharedLimit,
        on_warning: Callable[[BudgetWarning], Awaitable[None]] | None,
    ) -> None:
        self._admissions = admissions
        self._book = book
        self._upstream = upstream
        self._client = client
        self._prices = prices
        self._limit = limit
        self._on_warning = on_warning
        self._settling: set[asyncio.Task[None]] = set()
        self._warned_models: set[str] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        call = Call(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=list(scope["headers"]),
            receive=receive,
            send=send,
            connection=scope[CONNECTION],
        )
        try:
            reply = await self._answer(call)
        except BodyTooLargeError:
            reply = replies.TOO_LARGE
        except ClientGoneError:
            reply = None
        if reply is not None:
            await reply.send(send)

    async def drain(self) -> None:
        """Returns when every request that is over is also settled."""
        while self._settling:
            await asyncio.gather(*self._settling)

    async def _answer(self, call: Call) -> replies.ErrorReply | None:
        """The gateway's own answer, or None when the model API's has been passed on."""
        grant = self._admissions.grant_of(_token(call))
        if grant is None:
            return replies.UNKNOWN_TOKEN
        route = self._route(call)
        if route is None:
            return replies.NOT_FOUND
        record = self._admissions.record(grant)
        reply = await route(call, grant, record)
        if reply is not None:
            record.last_status = reply.status
        return reply

    def _route(self, call: Call) -> Callable[[Call, RunGrant, RunRecord], Awaitable[replies.ErrorReply | None]] | None:
        if call.method == "POST" and call.path == "/v1/messages":
            return self._message
        if call.method == "POST" and call.path == "/v1/messages/count_tokens":
            return self._unbooked
        if call.method == "GET" and _MODELS.fullmatch(call.path):
            return self._unbooked
        return None

    async def _unbooked(self, call: Call, _grant: RunGrant, record: RunRecord) -> replies.ErrorReply | None:
        body = await call.body(limit_bytes=BODY_LIMIT_BYTES)
        exchange = Exchange(call=call, metered=False, on_answer=self._noted_in(record))
        await self._forward(call, body, exchange=exchange, record=record)
        return None

    async def _message(self, call: Call, grant: RunGrant, record: RunRecord) -> replies.ErrorReply | None:
        try:
            request = parse_request(await call.body(limit_bytes=BODY_LIMIT_BYTES))
        except UnreadableRequestError as error:
            return replies.invalid(str(error))
        held_back = await self._hold_back(record)
        if held_back is not None:
            return held_back
        prices = price_table(grant.prices, base=self._prices)
        claim = claim_for(request, grant=grant, prices=prices)
        try:
            answer = await self._book.reserve(claim)
        except DatabaseError as error:
            log.warning("request_not_booked", adw_id=grant.adw_id, reason=str(error))
            return replies.NO_BOOKS
        if isinstance(answer, Refusal):
            return _refused(answer, request, record)
        self._note(request, answer, record)
        opened = OpenRequest(
            claim=claim,
            reservation=answer,
            prices=prices,
            prompt_tokens=request.prompt_tokens,
            fast=request.fast,
        )
        await self._booked(call, request, opened, record)
        return None

    async def _booked(self, call: Call, request: ModelRequest, opened: OpenRequest, record: RunRecord) -> None:
        settler = Settler(book=self._book, record=record, tasks=self._settling, on_warning=self._on_warning)
        exchange = Exchange(
            call=call,
            metered=True,
            on_answer=self._noted_in(record),
            before_end=lambda: settler.settle(opened, exchange),
        )
        try:
            body = request.body_with(opened.reservation.max_tokens)
            await self._forward(call, body, exchange=exchange, record=record)
        finally:
            await settler.settle(opened, exchange)

    async def _forward(self, call: Call, body: bytes, *, exchange: Exchange, record: RunRecord) -> None:
        request = self._upstream.request(call.method, call.path, query=call.query, headers=call.headers, body=body)
        work = asyncio.ensure_future(exchange.run(self._client, request))
        record.running.add(work)
        try:
            await while_connected(call, work)
        finally:
            record.running.discard(work)

    def _noted_in(self, record: RunRecord) -> Callable[[int, httpx.Headers], None]:
        def note(status: int, headers: httpx.Headers) -> None:
            record.last_status = status
            record.limit_resets_at = self._limit.note(status, headers)

        return note

    async def _hold_back(self, record: RunRecord) -> replies.ErrorReply | None:
        remaining_s = self._limit.remaining_s()
        if remaining_s > LONGEST_HOLD_S:
            record.limit_resets_at = self._limit.resets_at
            return replies.limited(math.ceil(remaining_s))
        if remaining_s:
            await asyncio.sleep(remaining_s)
        return None

    def _note(self, request: ModelRequest, reservation: Reservation, record: RunRecord) -> None:
        record.output_lowered = record.output_lowered or reservation.max_tokens < request.max_tokens
        if reservation.reserved_usd is None and request.model not in self._warned_models:
            self._warned_models.add(request.model)
            log.warning("unpriced_model", model=request.model, hint="give its price in [agents.prices]")


def _refused(refusal: Refusal, request: ModelRequest, record: RunRecord) -> replies.ErrorReply:
    record.refusal = refusal.reason
    record.refused_model = request.model
    return replies.budget_refused(refusal_text(refusal, model=request.model))


def _token(call: Call) -> str:
    scheme, _, bearer = call.header(b"authorization").partition(" ")
    return call.header(b"x-api-key") or (bearer if scheme.lower() == "bearer" else "")
