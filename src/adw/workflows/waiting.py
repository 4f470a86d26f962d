"""Waiting for what nobody is asked about: the workflow gives its slot back, and goes on by itself when it is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from adw.domain.events import EventType, NewEvent
from adw.domain.status import Status, WaitReason
from adw.ports.engine import JsonValue
from adw.store.db import Connection
from adw.store.workflows import transition
from adw.workflows.context import PhaseContext
from adw.workflows.endings import LegEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What is waited for. `scope` names it for all who wait for the same."""

    reason: WaitReason
    scope: str
    text: str
    resume_at: datetime | None = None
    needed_usd: Decimal | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


async def wait_for(ctx: PhaseContext, wait: Wait) -> NoReturn:
    """Lets the workflow wait and ends the leg. Once for each leg."""

    async def work(connection: Connection) -> JsonValue:
        told = NewEvent(
            type=EventType.WORKFLOW_WAITING,
            phase=ctx.phase,
            message=wait.text,
            data={"reason": wait.reason.value, "scope": wait.scope, **wait.data},
        )
        changes = {
            "wait_reason": wait.reason.value,
            "wait_scope": wait.scope,
            "resume_at": wait.resume_at,
            "wait_usd": wait.needed_usd,
        }
        await transition(
            connection, ctx.adw_id, to=Status.WAITING, event=told, changes=changes, owner_epoch=ctx.run.epoch
        )
        return None

    await ctx.transaction("wait", work)
    raise LegEnded(wait.text)
