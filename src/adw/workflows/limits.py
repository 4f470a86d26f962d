"""When the model API takes no requests for longer than an agent waits: the workflow does instead, and goes on then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from adw.domain.failover import FallbackReason
from adw.domain.failure import FailureClass
from adw.domain.limits import Limit
from adw.domain.status import WaitReason
from adw.kit.errors import ForgeLimitError
from adw.ports.engine import JsonValue
from adw.workflows.context import PhaseContext
from adw.workflows.endings import classify_error
from adw.workflows.waiting import Wait, wait_for

FORGE = "forge"
"""What is waited for when it is no model."""


async def held_by_limit(ctx: PhaseContext, model: str) -> JsonValue:
    """Asked before an agent is started: it would only find out that it has to wait. None when it may start."""
    agents = ctx.run.config.agents
    if agents.fallback and FallbackReason.LIMIT in agents.fallback_on:
        return None
    limit = await ctx.services.gateway.limit_on(model)
    return None if limit is None else _outcome(ctx, limit)


def stopped_by_limit(ctx: PhaseContext, run_id: str) -> JsonValue:
    """What the gateway's own record says of an agent that failed: the last thing it met was a limit, or was not."""
    limit = ctx.services.gateway.verdict(run_id).limit
    return None if limit is None else _outcome(ctx, limit)


async def wait_for_limit(ctx: PhaseContext, record: Mapping[str, Any]) -> NoReturn:
    """Lets the workflow wait for the limit's end and ends the leg; the conversation goes on in the next one."""
    resumes_at = datetime.fromisoformat(record["resumesAt"])
    wait = Wait(
        reason=WaitReason.USAGE_LIMIT,
        scope=str(record["scope"]),
        text=f"waiting for the end of {record['limit']}",
        resume_at=resumes_at,
        data={"resumesAt": record["resumesAt"], "kind": record["kind"], "model": record["model"] or None},
    )
    await wait_for(ctx, wait)


async def wait_for_forge(ctx: PhaseContext, error: ForgeLimitError) -> NoReturn:
    """Lets the workflow wait until the forge takes requests again; what was being done is done again then."""
    if error.until is None:
        raise classify_error(error)
    wait = Wait(
        reason=WaitReason.USAGE_LIMIT,
        scope=FORGE,
        text=error.message,
        resume_at=error.until,
        data={"resumesAt": error.until.isoformat(), "kind": FORGE, "model": None},
    )
    await wait_for(ctx, wait)


def _outcome(ctx: PhaseContext, limit: Limit) -> JsonValue:
    if not ctx.run.config.agents.wait_for_limit:
        return {
            "outcome": "failed",
            "class": FailureClass.USAGE_LIMIT.value,
            "message": f"{limit.words} keeps the agent from going on",
        }
    return {
        "outcome": "limited",
        "scope": limit.scope,
        "limit": limit.words,
        "kind": limit.kind.value,
        "model": limit.model,
        "resumesAt": limit.resets_at.isoformat(),
    }
