"""Doing one more thing on a workflow: a command that names a phase, or a wish in somebody's own words."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from adw.api.inputs import AdwId, IdempotencyKey, Services
from adw.api.openapi import problems
from adw.api.ordering import accepted, go_on
from adw.api.services import ApiServices
from adw.api.views.workflow import AcceptedView
from adw.api.wire import Actor, Body, Line
from adw.control.follow_up import FollowUp
from adw.domain.agent import ModelSet
from adw.domain.kinds import ON_EARLIER_WORK
from adw.domain.message import MAX_MESSAGE_CHARS
from adw.domain.status import UNFINISHED
from adw.kit.errors import UsageError
from adw.store.workflows import require_workflow

COMMANDS: Mapping[str, str] = {
    **{phase: phase for phase in sorted(ON_EARLIER_WORK)},
    "implement": "build",
    "resolve_failed_test": "test",
    "resolve_failed_e2e_test": "test",
    "test_e2e": "test",
    "pull_request": "ship",
}
"""Which phase does what a command asks for."""

router = APIRouter(prefix="/api/adw/workflows", tags=["workflows"], responses=problems(404, 409, 502))


def _only(given: str, missing: str) -> JsonDict:
    return {"required": [given], "properties": {given: {"type": "string"}, missing: {"type": "null"}}}


class ExecuteBody(Body):
    """Either a command or a prompt."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [_only("slashCommand", "customPrompt"), _only("customPrompt", "slashCommand")]}
    )

    slash_command: Line | None = Field(default=None, description="Such as `/test`; a phase, or what one is also called")
    custom_prompt: str | None = Field(default=None, min_length=1, max_length=MAX_MESSAGE_CHARS, pattern=r"\S")
    model_set: ModelSet | None = None
    actor: Actor = "api"

    @model_validator(mode="after")
    def _is_one_of_both(self) -> ExecuteBody:
        if (self.slash_command is None) == (self.custom_prompt is None):
            raise ValueError("give either slashCommand or customPrompt")
        return self


@router.post("/{adw_id}/execute", status_code=201)
async def execute_on_workflow(
    services: Services, adw_id: AdwId, body: ExecuteBody, idempotency_key: IdempotencyKey
) -> AcceptedView:
    """Runs a phase again, or builds on with the prompt; a workflow that is at work hears the prompt meanwhile."""
    async with services.database.read() as connection:
        earlier = await require_workflow(connection, adw_id)
    if body.custom_prompt is not None and earlier.status in UNFINISHED:
        await _say(services, adw_id, body, key=idempotency_key)
        return await accepted(services, earlier)
    phase = "build" if body.slash_command is None else _phase(body.slash_command)
    order = FollowUp(phase=phase, actor=body.actor, model_set=body.model_set, key=idempotency_key)
    taken = await go_on(services, earlier, order)
    if body.custom_prompt is not None:
        await _say(services, adw_id, body, key=idempotency_key)
    return taken


async def _say(services: ApiServices, adw_id: str, body: ExecuteBody, *, key: str | None) -> None:
    await services.steering.send(adw_id, text=(body.custom_prompt or "").strip(), actor=body.actor, key=key)


def _phase(command: str) -> str:
    phase = COMMANDS.get(command.strip().removeprefix("/").lower())
    if phase is None:
        known = ", ".join(f"/{each}" for each in COMMANDS)
        raise UsageError(f"no phase does {command!r}", hint=f"choose one of {known}")
    return phase
