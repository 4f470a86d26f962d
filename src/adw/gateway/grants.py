"""Who may use the gateway, and what it remembers about each agent run.

Tokens live in this process's memory only, as digests: after a restart every run is admitted again with a new one.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adw.domain.budget import BudgetScope, RefusalReason
from adw.domain.limits import Limit
from adw.domain.usage import Usage
from adw.gateway.failover import Failover
from adw.kit.ids import new_token
from adw.ports.gateway import GatewayVerdict, RunGrant

KEPT_RECORDS = 1000
"""How many runs are remembered; the longest admitted are forgotten first."""


@dataclass(slots=True, kw_only=True)
class RunRecord:
    """The changing side of a verdict, written by the requests of one run."""

    refusal: RefusalReason | None = None
    refused_by: BudgetScope = BudgetScope.WORKFLOW
    needed_usd: Decimal | None = None
    refused_model: str | None = None
    output_lowered: bool = False
    last_status: int | None = None
    limit: Limit | None = None
    failover: Failover = field(default_factory=Failover)
    usage: Usage = field(default_factory=Usage)
    running: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def verdict(self) -> GatewayVerdict:
        return GatewayVerdict(
            budget_refused=self.refusal == "budget",
            refused_by=self.refused_by,
            needed_usd=self.needed_usd,
            unpriced_model=self.refused_model if self.refusal == "unpriced_model" else None,
            output_lowered=self.output_lowered,
            last_status=self.last_status,
            limit_resets_at=None if self.limit is None else self.limit.resets_at,
            limit=self.limit,
            usage=self.usage,
        )


class Admissions:
    """Run tokens and the records of their runs."""

    def __init__(self) -> None:
        self._grants: dict[str, RunGrant] = {}
        self._records: OrderedDict[str, RunRecord] = OrderedDict()

    def admit(self, grant: RunGrant) -> str:
        token = new_token()
        self._grants[_digest(token)] = grant
        self._records[grant.agent_run_id] = RunRecord()
        self._records.move_to_end(grant.agent_run_id)
        while len(self._records) > KEPT_RECORDS:
            self._records.popitem(last=False)
        return token

    def revoke(self, token: str) -> None:
        """Ends the right and the requests that run under it."""
        grant = self._grants.pop(_digest(token), None)
        if grant is not None:
            for task in tuple(self.record(grant).running):
                task.cancel()

    def revoke_all(self) -> None:
        self._grants.clear()
        for record in self._records.values():
            for task in tuple(record.running):
                task.cancel()

    def grant_of(self, token: str) -> RunGrant | None:
        return self._grants.get(_digest(token))

    def record(self, grant: RunGrant) -> RunRecord:
        return self._records.setdefault(grant.agent_run_id, RunRecord())

    def verdict(self, agent_run_id: str) -> GatewayVerdict:
        record = self._records.get(agent_run_id)
        return record.verdict() if record else GatewayVerdict()


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
