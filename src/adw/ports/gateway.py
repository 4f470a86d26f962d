"""The model gateway as workflows see it: the only way from an agent to a model, and the keeper of the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from adw.domain.budget import BudgetScope
from adw.domain.failover import USUAL_REASONS, FallbackReason
from adw.domain.limits import Limit
from adw.domain.usage import Price, Usage
from adw.kit.process.confinement import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGrant:
    """The right of one agent run to use models, and where its requests are booked."""

    agent_run_id: str
    adw_id: str
    phase: str
    attempt: int
    role: str
    budget_usd: Decimal | None = None
    """The workflow's budget in US dollars, used until its account in the database says otherwise."""
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    """Prices the project supplies, in US dollars per million tokens, in place of the list's."""
    fallback: Sequence[str] = ()
    """Models that take the place of the one asked for, in this order, for the reasons in `fallback_on`."""
    fallback_on: Sequence[FallbackReason] = USUAL_REASONS


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayVerdict:
    """What the gateway itself saw of an agent run, since it was last admitted here."""

    budget_refused: bool = False
    refused_by: BudgetScope = BudgetScope.WORKFLOW
    """Whose budget it was."""
    needed_usd: Decimal | None = None
    """The least the refused request would have needed, in US dollars."""
    unpriced_model: str | None = None
    """The model that was refused because the workflow has a budget and the model no price."""
    output_lowered: bool = False
    """A request was sent with fewer output tokens than asked for, because no more could be afforded."""
    last_status: int | None = None
    """The HTTP status of the latest answer to the agent."""
    limit_resets_at: datetime | None = None
    """When the limit ends that the latest refusal of the model API spoke of."""
    limit: Limit | None = None
    """The limit that the latest request of the run met, if it did."""
    usage: Usage = field(default_factory=Usage)


class ModelGateway(Protocol):
    """Admits agent runs, one token each."""

    @property
    def url(self) -> str: ...

    @property
    def door(self) -> Door | None:
        """How agents in a sandbox reach the same address, if they can."""
        ...

    def admit(self, grant: RunGrant) -> str:
        """A token for this run, valid until revoked or until this process ends."""
        ...

    def revoke(self, token: str) -> None: ...

    def verdict(self, agent_run_id: str) -> GatewayVerdict: ...

    async def limit_on(self, model: str) -> Limit | None:
        """A limit too long to be waited for by a request; None when an agent may be started."""
        ...
