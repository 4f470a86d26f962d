"""Talking to the orchestrator agent, and its tools for agents of others. Nothing is answered here: rows are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator, Field, StrictBool
from starlette.applications import Starlette

from adw.api.inputs import IdempotencyKey, Services
from adw.api.openapi import problems
from adw.api.services import ApiServices
from adw.api.views.orchestrator import (
    ChatEntryView,
    ClearedView,
    HistoryView,
    InterruptedView,
    OrchestratorView,
    PostedView,
    ResetView,
    ToolAnswerView,
    ToolList,
    ToolView,
)
from adw.api.wire import MAX_INTEGER, ActorBody, Amount, Body, Line
from adw.chat.conversation import USUAL_BUDGET_USD
from adw.chat.tools import TOOLS, Caller, Doors, call_tool, find_tool
from adw.domain.quiet import QuietHours, clock_time
from adw.kit.errors import UsageError
from adw.store import chat
from adw.store.chat_turns import spent_this_month
from adw.store.orchestrators import (
    OrchestratorSettings,
    configure_orchestrator,
    get_or_create_orchestrator,
    orchestrator_settings,
    require_orchestrator,
)

CONTEXT_WINDOW = 200_000
MAX_MESSAGE_CHARS = 60_000

router = APIRouter(prefix="/api/orchestrator", tags=["orchestrator"], responses=problems(404))

Which = Annotated[UUID | None, Query(alias="orchestrator", description="Another one than the server's own")]


def _is_object(text: str) -> str:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError('not JSON; for example {"limit": 5}') from error
    if not isinstance(found, dict):
        raise ValueError('not a JSON object; for example {"limit": 5}')  # noqa: TRY004 # pydantic reports ValueErrors
    return text


_OBJECT = {"contentMediaType": "application/json", "contentSchema": {"type": "object"}}

ToolInput: TypeAlias = Annotated[
    str,
    AfterValidator(_is_object),
    Query(alias="input", max_length=8192, description="Its input, a JSON object", json_schema_extra=_OBJECT),
]
Cursor = Annotated[int | None, Query(ge=0, le=2**53, description="Only what comes after this `seq`")]


class ChatBody(ActorBody):
    """What is said. It waits its turn; with `interrupt`, what is being answered ends first."""

    message: str = Field(min_length=1, max_length=MAX_MESSAGE_CHARS)
    interrupt: StrictBool = False
    stream: StrictBool = Field(default=True, description="Accepted for older clients; entries always come as they are")


class SettingsBody(Body):
    """What is to be otherwise; what is left out stays. Quiet hours are `HH:MM`, and given together."""

    model: Line | None = None
    budget_usd: Amount | None = None
    wake: StrictBool | None = None
    quiet_from: str | None = Field(default=None, pattern=r"^\d{2}:\d{2}$")
    quiet_until: str | None = Field(default=None, pattern=r"^\d{2}:\d{2}$")
    quiet_zone: str | None = Field(default=None, min_length=1, max_length=100)
    quiet: StrictBool | None = Field(default=None, description="false ends quiet hours")


class CallBody(ActorBody):
    """A tool's input."""

    arguments: dict[str, Any] = Field(default_factory=dict[str, Any])


@router.post("/chat", status_code=202)
async def post_chat(
    services: Services, request: Request, body: ChatBody, idempotency_key: IdempotencyKey, which: Which = None
) -> PostedView:
    """Says something. A worker answers it; the answer is an entry of the history with `turnId` = `messageId`."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.begin() as connection:
        if body.interrupt:
            await chat.interrupt_turn(connection, orchestrator_id)
        item = await chat.post_message(
            connection, orchestrator_id, author=body.actor, body=body.message, key=idempotency_key
        )
    return PostedView(orchestrator_id=orchestrator_id, message_id=item.id, state=item.state)


@router.get("/history")
async def get_history(
    services: Services,
    request: Request,
    which: Which = None,
    after: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> HistoryView:
    """What was said, oldest first: the latest entries, or those after a `seq`."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.read() as connection:
        waiting = await chat.open_items(connection, orchestrator_id)
        found = await chat.chat_history(connection, orchestrator_id, after=after, limit=limit)
    return HistoryView(
        orchestrator_id=orchestrator_id,
        entries=tuple(ChatEntryView.model_validate(each) for each in found),
        waiting=len(waiting),
        next_cursor=found[-1].seq if found else after or 0,
    )


@router.delete("/history")
async def delete_history(services: Services, request: Request, which: Which = None) -> ClearedView:
    """Deletes what was said in turns that are over. What the agent remembers stays: see `reset`."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.begin() as connection:
        return ClearedView(deleted=await chat.clear_history(connection, orchestrator_id))


@router.get("/metrics")
async def get_chat_metrics(services: Services, request: Request, which: Which = None) -> OrchestratorView:
    """Tokens, money, how full the conversation is, and when it may wake by itself."""
    return await _view(services, await orchestrator_of(services, request, which))


@router.put("/settings")
async def put_settings(
    services: Services, request: Request, body: SettingsBody, which: Which = None
) -> OrchestratorView:
    """Changes its model, its monthly budget, its quiet hours, or whether events wake it."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.begin() as connection:
        known = await orchestrator_settings(connection, orchestrator_id)
        await configure_orchestrator(connection, orchestrator_id, _changed(known, body))
        if body.wake is False:
            await chat.drop_events(connection, orchestrator_id)
    return await _view(services, orchestrator_id)


@router.post("/interrupt")
async def interrupt_chat(services: Services, request: Request, which: Which = None) -> InterruptedView:
    """Ends what is being answered."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.begin() as connection:
        return InterruptedView(turn_id=await chat.interrupt_turn(connection, orchestrator_id))


@router.post("/reset")
async def reset_chat(services: Services, request: Request, which: Which = None) -> ResetView:
    """Begins a new conversation that remembers nothing; what is being answered ends, what was said stays readable."""
    orchestrator_id = await orchestrator_of(services, request, which)
    async with services.database.begin() as connection:
        await chat.forget_conversation(connection, orchestrator_id)
    return ResetView(orchestrator_id=orchestrator_id)


@router.get("/tools")
async def list_tools() -> ToolList:
    """What the orchestrator agent can do, and agents of others through `adw mcp`."""
    return ToolList(
        tools=tuple(
            ToolView(name=tool.name, description=tool.about, scope=tool.scope, input_schema=tool.schema)
            for tool in TOOLS
        )
    )


@router.get("/tools/{name}")
async def look_by_tool(
    services: Services,
    request: Request,
    name: Annotated[str, Path(max_length=100)],
    given: ToolInput = "{}",
) -> ToolAnswerView:
    """Calls a tool that changes nothing, for which reading is enough."""
    if find_tool(name).scope != "read":
        raise UsageError(f"{name} changes something", hint="send it by POST")
    mine = await orchestrator_of(services, request, None)
    caller = Caller(actor="mcp", source="mcp", orchestrator_id=mine)
    answer = await call_tool(doors_of(services), caller, name, orjson.loads(given))
    return ToolAnswerView(text=answer.text, is_error=answer.is_error)


@router.post("/tools/{name}")
async def use_tool(
    services: Services,
    request: Request,
    name: Annotated[str, Path(max_length=100)],
    body: CallBody,
    idempotency_key: IdempotencyKey,
) -> ToolAnswerView:
    """Calls one of them, recorded as done by `mcp:` and the actor."""
    find_tool(name)
    mine = await orchestrator_of(services, request, None)
    actor = f"mcp:{body.actor}"[:100]
    caller = Caller(actor=actor, source="mcp", turn=idempotency_key, orchestrator_id=mine)
    answer = await call_tool(doors_of(services), caller, name, body.arguments)
    return ToolAnswerView(text=answer.text, is_error=answer.is_error)


async def orchestrator_of(services: ApiServices, request: Request, which: UUID | None) -> UUID:
    """The one that is named, else the server's own."""
    if which is not None:
        async with services.database.read() as connection:
            return (await require_orchestrator(connection, which)).id
    async with services.database.begin() as connection:
        return (await get_or_create_orchestrator(connection, own_folder(request.app))).id


async def _view(services: ApiServices, orchestrator_id: UUID) -> OrchestratorView:
    async with services.database.read() as connection:
        mine = await require_orchestrator(connection, orchestrator_id)
        chosen = await orchestrator_settings(connection, orchestrator_id)
        spent = await spent_this_month(connection, orchestrator_id)
        waiting = await chat.open_items(connection, orchestrator_id)
    quiet = chosen.quiet
    return OrchestratorView(
        orchestrator_id=mine.id,
        status=mine.status,
        session_id=mine.session_id,
        model=chosen.model,
        input_tokens=min(mine.input_tokens, 2**53),
        output_tokens=min(mine.output_tokens, 2**53),
        total_cost_usd=mine.total_cost,
        budget_usd=USUAL_BUDGET_USD if chosen.budget_usd is None else chosen.budget_usd,
        spent_this_month_usd=spent,
        context_tokens=chosen.context_tokens,
        context_window=CONTEXT_WINDOW,
        context_percent=round(100 * chosen.context_tokens / CONTEXT_WINDOW, 1),
        waiting=min(len(waiting), MAX_INTEGER),
        wake=chosen.wake,
        quiet_from=None if quiet is None else clock_time(quiet.start),
        quiet_until=None if quiet is None else clock_time(quiet.end),
        quiet_zone="UTC" if quiet is None else quiet.zone,
    )


def _changed(known: OrchestratorSettings, body: SettingsBody) -> OrchestratorSettings:
    quiet = known.quiet
    if body.quiet is False:
        quiet = None
    elif body.quiet_from is not None or body.quiet_until is not None or body.quiet_zone is not None:
        quiet = QuietHours.parse(
            body.quiet_from, body.quiet_until, zone=body.quiet_zone or ("UTC" if quiet is None else quiet.zone)
        )
    budget: Decimal | None = known.budget_usd if body.budget_usd is None else body.budget_usd
    return OrchestratorSettings(
        model=known.model if body.model is None else body.model,
        budget_usd=budget,
        wake=known.wake if body.wake is None else body.wake,
        quiet=quiet,
        context_tokens=known.context_tokens,
    )


def own_folder(app: Starlette) -> str:
    """What the server's own orchestrator is known by."""
    return str(app.state.services.home or app.state.data_dir)


def doors_of(services: ApiServices) -> Doors:
    """What the tools stand on."""
    return Doors(
        database=services.database,
        intake=services.intake,
        control=services.control,
        steering=services.steering,
        access=services.access,
        home=services.home,
    )
