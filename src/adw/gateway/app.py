"""What the gateway does with a request: who asks, what for, may it be afforded; then it is passed on."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from dataclasses import dataclass, replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from adw.domain.budget import BudgetWarning, Refusal, Reservation
from adw.domain.failover import FallbackReason, ModelReplaced
from adw.domain.limits import ALL_MODELS, Limit
from adw.domain.prices import price_table
from adw.domain.usage import Price
from adw.gateway import refusals, replies
from adw.gateway.asgi import BodyTooLargeError, Call, ClientGoneError, Receive, Send
from adw.gateway.booking import OpenRequest, Settler, claim_for, refusal_text
from adw.gateway.exchange import Exchange, while_connected
from adw.gateway.grants import Admissions, RunRecord
from adw.gateway.limits import Passage, SharedLimits
from adw.gateway.model_request import ModelRequest, UnreadableRequestError, parse_request
from adw.gateway.upstream import Upstream
from adw.kit.errors import AdwError, DatabaseError
from adw.kit.guest_server import CONNECTION
from adw.kit.ids import new_uuid
from adw.kit.log import get_logger
from adw.ports.gateway import RunGrant
from adw.store.usage import UsageBook

T = TypeVar("T")

log = get_logger("gateway")

BODY_LIMIT_BYTES = 64 << 20
ROOM_LOOK_S = 0.25
"""Between two looks whether a shared budget has room again."""
MOST_REFUSALS = 5
"""Refused so often because of a limit, a request is given back to the agent with the model API's own words."""

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
        limits: SharedLimits,
        on_warning: Callable[[BudgetWarning], Awaitable[None]] | None,
        on_replaced: Callable[[ModelReplaced], Awaitable[None]] | None,
    ) -> None:
        self._admissions = admissions
        self._book = book
        self._upstream = upstream
        self._client = client
        self._prices = prices
        self._limits = limits
        self._on_warning = on_warning
        self._on_replaced = on_replaced
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
        limit = self._limits.on(ALL_MODELS)
        if limit is not None:
            return self._limited(limit, record)

        def note(status: int, headers: httpx.Headers) -> bool:
            record.last_status = status
            record.limit = self._limits.note(status, headers, model=ALL_MODELS)
            return False

        await self._forward(call, body, exchange=Exchange(call=call, metered=False, on_answer=note), record=record)
        return None

    async def _message(self, call: Call, grant: RunGrant, record: RunRecord) -> replies.ErrorReply | None:
        try:
            request = parse_request(await call.body(limit_bytes=BODY_LIMIT_BYTES))
        except UnreadableRequestError as error:
            return replies.invalid(str(error))
        asked = Asked(call=call, grant=grant, record=record, request=request)
        while True:
            self._require_admitted(call)
            model = record.failover.model_for(request.model, grant)
            passage = await self._enter(call, model, record)
            if isinstance(passage, Limit):
                if self._replaced(asked, model, FallbackReason.LIMIT):
                    continue
                return self._limited(passage, record)
            try:
                reply, again = await self._send(asked, model)
            finally:
                passage.over()
            if not again:
                return reply

    async def _enter(self, call: Call, model: str, record: RunRecord) -> Passage | Limit:
        """Holds the request back as long as a limit is in force that is worth waiting for."""
        if not self._limits.is_held(model):
            return Passage()
        return await self._while_asked(call, record, self._limits.enter(model))

    async def _send(self, asked: Asked, model: str) -> tuple[replies.ErrorReply | None, bool]:
        """Our own answer, if it is one; and whether the request is to be sent again, since nobody was answered."""
        request, grant, record = asked.request, asked.grant, asked.record
        prices = price_table(grant.prices, base=self._prices)
        claim = claim_for(request, grant=grant, prices=prices, model=model)
        try:
            answer = await self._book.reserve(claim)
            if isinstance(answer, Refusal) and answer.may_pass and await self._until_room(asked, answer):
                claim = replace(claim, id=new_uuid())
                answer = await self._book.reserve(claim)
        except DatabaseError as error:
            log.warning("request_not_booked", adw_id=grant.adw_id, reason=str(error))
            return replies.NO_BOOKS, False
        if isinstance(answer, Refusal):
            return _refused(answer, claim.model, record), False
        self._note(request, answer, record)
        opened = OpenRequest(
            claim=claim,
            reservation=answer,
            prices=prices,
            prompt_tokens=request.prompt_tokens,
            fast=request.fast,
        )
        return None, await self._booked(asked, opened)

    async def _until_room(self, asked: Asked, refusal: Refusal) -> bool:
        """Waits a while for requests of others to end, which have reserved what this one needs."""

        async def look() -> bool:
            for _ in range(int(self._limits.longest_hold_s / ROOM_LOOK_S)):
                await asyncio.sleep(ROOM_LOOK_S)
                if await self._book.has_room(asked.grant.adw_id, needed_usd=refusal.needed_usd or Decimal(0)):
                    return True
            return False

        return await self._while_asked(asked.call, asked.record, look())

    async def _while_asked(self, call: Call, record: RunRecord, work: Coroutine[None, None, T]) -> T:
        """Does something for a request for as long as its agent is there and may ask."""
        task = asyncio.ensure_future(work)
        record.running.add(task)
        try:
            await while_connected(call, task)
        finally:
            record.running.discard(task)
        if task.cancelled():
            raise ClientGoneError
        return task.result()

    async def _booked(self, asked: Asked, opened: OpenRequest) -> bool:
        record = asked.record
        settler = Settler(book=self._book, record=record, tasks=self._settling, on_warning=self._on_warning)
        exchange = Exchange(
            call=asked.call,
            metered=True,
            on_answer=self._noted_in(asked, opened.claim.model),
            before_end=lambda: settler.settle(opened, exchange),
        )
        try:
            body = asked.request.body_with(opened.reservation.max_tokens, model=opened.claim.model)
            await self._forward(asked.call, body, exchange=exchange, record=record)
        finally:
            await settler.settle(opened, exchange)
        return exchange.withheld

    async def _forward(self, call: Call, body: bytes, *, exchange: Exchange, record: RunRecord) -> None:
        self._require_admitted(call)
        request = self._upstream.request(call.method, call.path, query=call.query, headers=call.headers, body=body)
        work = asyncio.ensure_future(exchange.run(self._client, request))
        record.running.add(work)
        try:
            await while_connected(call, work)
        finally:
            record.running.discard(work)

    def _require_admitted(self, call: Call) -> None:
        """A token that was revoked between two waits of its request, where there was no task to cancel."""
        if self._admissions.grant_of(_token(call)) is None:
            raise ClientGoneError

    def _noted_in(self, asked: Asked, model: str) -> Callable[[int, httpx.Headers], bool]:
        of_model = FallbackReason.LIMIT in asked.grant.fallback_on and bool(asked.grant.fallback)

        def note(status: int, headers: httpx.Headers) -> bool:
            asked.record.last_status = status
            limit = self._limits.note(status, headers, model=model, of_model=of_model)
            asked.record.limit = limit if status == HTTPStatus.TOO_MANY_REQUESTS else None
            return self._goes_again(asked, model, status)

        return note

    def _goes_again(self, asked: Asked, model: str, status: int) -> bool:
        """Whether the agent is spared this answer: another model is asked, or the limit is waited for here."""
        failover = asked.record.failover
        match status:
            case HTTPStatus.TOO_MANY_REQUESTS:
                asked.refusals += 1
                return self._replaced(asked, model, FallbackReason.LIMIT) or asked.refusals < MOST_REFUSALS
            case HTTPStatus.NOT_FOUND:
                return self._replaced(asked, model, FallbackReason.UNAVAILABLE)
            case refusals.OVERLOADED_STATUS:
                return failover.overloaded(model) and self._replaced(asked, model, FallbackReason.OVERLOADED)
            case HTTPStatus.OK:
                failover.answered(model)
            case _:
                pass
        return False

    def _replaced(self, asked: Asked, model: str, reason: FallbackReason) -> bool:
        replaced = asked.record.failover.stand_in(model, reason, asked.grant, asked=asked.request.model)
        if replaced is None:
            return False
        log.warning("model_replaced", adw_id=replaced.adw_id, model=model, fallback=replaced.fallback, why=reason)
        if self._on_replaced is not None:
            telling = asyncio.ensure_future(self._told(self._on_replaced(replaced)))
            self._settling.add(telling)
            telling.add_done_callback(self._settling.discard)
        return True

    async def _told(self, telling: Awaitable[None]) -> None:
        try:
            await telling
        except AdwError as error:
            log.warning("replacement_not_told", reason=str(error))

    def _limited(self, limit: Limit, record: RunRecord) -> replies.ErrorReply:
        record.limit = limit
        return replies.limited(math.ceil(self._limits.seconds_to(limit)))

    def _note(self, request: ModelRequest, reservation: Reservation, record: RunRecord) -> None:
        record.output_lowered = record.output_lowered or reservation.max_tokens < request.max_tokens
        if reservation.reserved_usd is None and request.model not in self._warned_models:
            self._warned_models.add(request.model)
            log.warning("unpriced_model", model=request.model, hint="give its price in [agents.prices]")


@dataclass(slots=True, kw_only=True)
class Asked:
    """A request for a message, and how often the model API has refused it because of a limit."""

    call: Call
    grant: RunGrant
    record: RunRecord
    request: ModelRequest
    refusals: int = 0


def _refused(refusal: Refusal, model: str, record: RunRecord) -> replies.ErrorReply:
    record.refusal, record.refused_by = refusal.reason, refusal.scope
    record.needed_usd = refusal.needed_usd
    record.refused_model = model
    return replies.budget_refused(refusal_text(refusal, model=model))


def _token(call: Call) -> str:
    scheme, _, bearer = call.header(b"authorization").partition(" ")
    return call.header(b"x-api-key") or (bearer if scheme.lower() == "bearer" else "")
