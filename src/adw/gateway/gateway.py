"""The gateway as the rest of the program knows it: one in every worker process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Self

import httpx

from adw.domain.budget import BudgetWarning
from adw.domain.failover import ModelReplaced
from adw.domain.limits import Limit
from adw.domain.usage import Price
from adw.gateway.app import GatewayApp
from adw.gateway.grants import Admissions
from adw.gateway.limits import LONGEST_HOLD_S, SharedLimits
from adw.gateway.server import LoopbackServer
from adw.gateway.upstream import Upstream
from adw.kit.clock import Clock, SystemClock
from adw.kit.errors import DatabaseError
from adw.kit.process.confinement import Door
from adw.ports.gateway import GatewayVerdict, RunGrant
from adw.store.limits import LimitBook
from adw.store.usage import UsageBook


class Gateway:
    """An async context manager. Agents reach it at `url` with the token of `admit`, and nothing else of ours."""

    def __init__(
        self,
        *,
        book: UsageBook,
        upstream: Upstream,
        prices: Mapping[str, Price],
        clock: Clock | None = None,
        on_budget_warning: Callable[[BudgetWarning], Awaitable[None]] | None = None,
        on_model_replaced: Callable[[ModelReplaced], Awaitable[None]] | None = None,
        limit_book: LimitBook | None = None,
        longest_hold_s: float = LONGEST_HOLD_S,
        socket_dir: Path | None = None,
    ) -> None:
        self._admissions = Admissions()
        self._limits = SharedLimits(
            clock or SystemClock(), credential=upstream.fingerprint, book=limit_book, longest_hold_s=longest_hold_s
        )
        self._looking: asyncio.Task[None] | None = None
        self._client: httpx.AsyncClient = upstream.client()
        self._app = GatewayApp(
            admissions=self._admissions,
            book=book,
            upstream=upstream,
            client=self._client,
            prices=prices,
            limits=self._limits,
            on_warning=on_budget_warning,
            on_replaced=on_model_replaced,
        )
        self._server = LoopbackServer(self._app, socket_dir=socket_dir)

    @property
    def url(self) -> str:
        """The base address for agents, on a loopback port of its own."""
        return self._server.url

    @property
    def door(self) -> Door | None:
        """How agents in a sandbox reach the same address; None without a `socket_dir`."""
        return self._server.door

    @property
    def limit_resets_at(self) -> datetime | None:
        """When the limit ends that the model API last spoke of to any run; may lie in the past."""
        limit = self._limits.latest
        return None if limit is None else limit.resets_at

    async def limit_on(self, model: str) -> Limit | None:
        """A limit too long to be waited for by a request; None when an agent may be started.

        Only where one is known the database is asked, whether it still holds.
        """
        limit = self._limits.on(model)
        if limit is not None and self._limits.is_long(limit):
            with suppress(DatabaseError):
                await self._limits.look()
            limit = self._limits.on(model)
        return limit if limit is not None and self._limits.is_long(limit) else None

    def limits_changed(self) -> None:
        """Looks soon what other workers have been told; otherwise it does so once a second."""
        self._limits.wake()

    def admit(self, grant: RunGrant) -> str:
        """Opens the gateway to an agent run and starts its record afresh. Returns the run's token, a secret."""
        return self._admissions.admit(grant)

    def revoke(self, token: str) -> None:
        """Closes the gateway to a run and breaks off its requests. An unknown token is no error."""
        self._admissions.revoke(token)

    def verdict(self, agent_run_id: str) -> GatewayVerdict:
        """What the gateway saw of a run; an empty verdict for one it does not know."""
        return self._admissions.verdict(agent_run_id)

    async def __aenter__(self) -> Self:
        with suppress(DatabaseError):
            await self._limits.look()
        self._looking = asyncio.create_task(self._limits.keep_looking(), name="limits")
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._admissions.revoke_all()
        await self._server.__aexit__(*exc)
        await self._app.drain()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._limits.written()
        await self._client.aclose()
