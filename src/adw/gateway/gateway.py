"""The gateway as the rest of the program knows it: one in every worker process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Self

import httpx

from adw.domain.budget import BudgetWarning
from adw.domain.usage import Price
from adw.gateway.app import GatewayApp
from adw.gateway.grants import Admissions
from adw.gateway.limits import SharedLimit
from adw.gateway.server import LoopbackServer
from adw.gateway.upstream import Upstream
from adw.kit.clock import Clock, SystemClock
from adw.ports.gateway import GatewayVerdict, RunGrant
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
    ) -> None:
        self._admissions = Admissions()
        self._limit = SharedLimit(clock or SystemClock())
        self._client: httpx.AsyncClient = upstream.client()
        self._app = GatewayApp(
            admissions=self._admissions,
            book=book,
            upstream=upstream,
            client=self._client,
            prices=prices,
            limit=self._limit,
            on_warning=on_budget_warning,
        )
        self._server = LoopbackServer(self._app)

    @property
    def url(self) -> str:
        """The base address for agents, on a loopback port of its own."""
        return self._server.url

    @property
    def limit_resets_at(self) -> datetime | None:
        """When the limit ends that the model API last spoke of to any run; may lie in the past."""
        return self._limit.resets_at

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
        await self._server.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._admissions.revoke_all()
        await self._server.__aexit__(*exc)
        await self._app.drain()
        await self._client.aclose()
