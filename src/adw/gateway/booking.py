"""The books of one request: what it may cost before it is sent, what it did cost when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from uuid import UUID

from adw.domain.budget import BudgetWarning, Claim, Refusal, Reservation, Settlement
from adw.domain.prices import HOUR_CACHE_WRITE_FACTOR, MICRO_USD, price_of_request, request_cost
from adw.domain.usage import Price, Tokens, Usage
from adw.gateway.exchange import Exchange
from adw.gateway.grants import RunRecord
from adw.gateway.model_request import ModelRequest
from adw.kit.errors import AdwError, DatabaseError
from adw.kit.ids import new_uuid
from adw.kit.log import get_logger
from adw.ports.gateway import RunGrant
from adw.store.usage import UsageBook

log = get_logger("gateway")

SETTLE_RETRY_DELAYS_S = (0.2, 1.0, 3.0)
"""A restarted database is back within seconds. A reservation that cannot be settled stays booked in full."""

_MILLION = Decimal(1_000_000)


def claim_for(
    request: ModelRequest, *, grant: RunGrant, prices: Mapping[str, Price], model: str | None = None
) -> Claim:
    """The most the request can cost at list price, sent to the model it asks for or to another."""
    used = model or request.model
    price = price_of_request(used, prompt_tokens=request.prompt_tokens, prices=prices, fast=request.fast)
    return Claim(
        id=new_uuid(),
        adw_id=grant.adw_id,
        agent_run_id=grant.agent_run_id,
        phase=grant.phase,
        attempt=grant.attempt,
        role=grant.role,
        model=used,
        asked_model=None if used == request.model else request.model,
        stream=request.stream,
        max_tokens=request.max_tokens,
        input_usd=_most_for_prompt(request, price=price) if price else None,
        output_usd_per_token=price.output_usd / _MILLION if price else None,
        budget_usd=grant.budget_usd,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A request that was reserved and is on its way."""

    claim: Claim
    reservation: Reservation
    prices: Mapping[str, Price]
    prompt_tokens: int
    fast: bool

    def settlement(self, exchange: Exchange) -> Settlement:
        """What is booked for the request, given how far its exchange came."""
        tokens, cost_usd, inexact = self._used(exchange)
        free = exchange.status is not None and exchange.meter is None
        return Settlement(
            state="failed" if free or not exchange.may_have_arrived else "settled",
            tokens=tokens,
            cost_usd=cost_usd,
            inexact=inexact,
            status=exchange.status,
            latency_ms=exchange.elapsed_ms,
            first_byte_ms=exchange.first_byte_ms,
        )

    def _used(self, exchange: Exchange) -> tuple[Tokens, Decimal | None, bool]:
        if exchange.meter is None and (exchange.status is not None or not exchange.may_have_arrived):
            return Tokens(), Decimal(0), False
        reading = exchange.meter.reading() if exchange.meter else None
        if reading is not None and reading.prompt_known:
            price = self._price(reading.tokens)
            if price is None:
                return reading.tokens, None, not reading.output_known
            cost_usd = request_cost(
                reading.tokens,
                price=price,
                hour_cache_write=reading.hour_cache_write,
                web_searches=reading.web_searches,
            )
            return reading.tokens, cost_usd, not reading.output_known
        return self._unread(tokens=reading.tokens if reading else Tokens())

    def _unread(self, *, tokens: Tokens) -> tuple[Tokens, Decimal | None, bool]:
        """The answer never said what the prompt cost: the estimate stands, and the whole output if it came at once."""
        claim = self.claim
        estimated = Tokens(input=self.prompt_tokens, output=tokens.output)
        if claim.input_usd is None or claim.output_usd_per_token is None:
            return estimated, None, True
        if not claim.stream:
            return estimated, self.reservation.reserved_usd, True
        output_usd = tokens.output * claim.output_usd_per_token
        return estimated, (claim.input_usd + output_usd).quantize(MICRO_USD, rounding=ROUND_CEILING), True

    def _price(self, tokens: Tokens) -> Price | None:
        prompt = tokens.input + tokens.cache_write + tokens.cache_read
        return price_of_request(self.claim.model, prompt_tokens=prompt, prices=self.prices, fast=self.fast)


class Settler:
    """Settles one request, once, and to the end even if the task that asked for it is cancelled."""

    def __init__(
        self,
        *,
        book: UsageBook,
        record: RunRecord,
        tasks: set[asyncio.Task[None]],
        on_warning: Callable[[BudgetWarning], Awaitable[None]] | None,
    ) -> None:
        self._book = book
        self._record = record
        self._tasks = tasks
        self._on_warning = on_warning
        self._task: asyncio.Task[None] | None = None

    async def settle(self, open_request: OpenRequest, exchange: Exchange) -> None:
        if self._task is None:
            settlement = open_request.settlement(exchange)
            self._record.usage += Usage(requests=1, tokens=settlement.tokens, cost_usd=settlement.cost_usd)
            self._task = asyncio.ensure_future(self._write(open_request.claim, settlement))
            self._tasks.add(self._task)
            self._task.add_done_callback(self._tasks.discard)
        await asyncio.shield(self._task)

    async def _write(self, claim: Claim, settlement: Settlement) -> None:
        warnings = await self._settled(claim.id, adw_id=claim.adw_id, settlement=settlement)
        for warning in warnings:
            await self._pass_on(warning)

    async def _pass_on(self, warning: BudgetWarning) -> None:
        if self._on_warning is None:
            return
        try:
            await self._on_warning(warning)
        except AdwError as error:
            log.warning("budget_warning_not_passed_on", adw_id=warning.adw_id, reason=str(error))

    async def _settled(self, request_id: UUID, *, adw_id: str, settlement: Settlement) -> list[BudgetWarning]:
        for delay_s in SETTLE_RETRY_DELAYS_S:
            try:
                return await self._book.settle(request_id, adw_id=adw_id, settlement=settlement)
            except DatabaseError as error:
                log.warning("settlement_delayed", request_id=str(request_id), reason=str(error))
            await asyncio.sleep(delay_s)
        try:
            return await self._book.settle(request_id, adw_id=adw_id, settlement=settlement)
        except DatabaseError:
            log.exception("reservation_stays_booked", request_id=str(request_id), adw_id=adw_id)
            return []


def refusal_text(refusal: Refusal, *, model: str) -> str:
    """What the agent is told. People are told by the verdict instead."""
    if refusal.reason == "unpriced_model":
        return f"The model {model} has no known price, and this workflow has a budget."
    return f"The {refusal.scope.words} is used up: {refusal.remaining_usd:.2f} USD are left."


def _most_for_prompt(request: ModelRequest, *, price: Price) -> Decimal:
    per_million = price.input_usd
    if request.writes_hour_cache:
        per_million = max(per_million * HOUR_CACHE_WRITE_FACTOR, price.cache_write_usd)
    elif request.writes_cache:
        per_million = max(per_million, price.cache_write_usd)
    return (request.prompt_tokens * per_million / _MILLION).quantize(MICRO_USD, rounding=ROUND_CEILING)
