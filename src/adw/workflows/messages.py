"""What people say to agents, put into conversations where they begin, resume or would end.

A message counts as delivered with the record of the conversation that hears it, made before the agent is asked. Whether
a resumed conversation really holds it is read from what is kept of that conversation, so a worker that dies in between
neither loses nor repeats it; only a transcript that died unsaved with its worker makes the model hear it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from adw.domain.agent import Role
from adw.domain.events import EventType, NewEvent
from adw.domain.message import Message
from adw.store.agent_outputs import AgentOutput
from adw.store.db import Connection
from adw.store.messages import for_conversation, mark_delivered, undelivered
from adw.store.sessions import was_said
from adw.workflows.context import PhaseContext

DEAF = frozenset({Role.CLASSIFIER})
"""Roles that only name things: what people say waits for an agent that works."""


async def to_say(ctx: PhaseContext, role: Role, output: AgentOutput, *, session: str | None) -> list[Message]:
    """The messages that the next words to this agent carry; none that the resumed session holds already."""
    if role in DEAF:
        return []
    async with ctx.services.database.read() as connection:
        found = await for_conversation(
            connection, ctx.adw_id, phase=output.phase, agent_name=output.agent_name, round_number=output.round
        )
        return [each for each in found if session is None or not await _is_held(connection, each, session)]


async def note_delivery(
    connection: Connection, ctx: PhaseContext, role: Role, output: AgentOutput, *, said: Sequence[Message]
) -> list[NewEvent]:
    """Records who hears these, and gives the events that tell of it; those heard before are told no second time."""
    fresh = await mark_delivered(connection, [each.id for each in said], output_id=output.id)
    return [
        NewEvent(
            type=EventType.PHASE_PROGRESS,
            phase=ctx.phase,
            message=f"told the {role} what {each.author} says",
            data={"messageId": str(each.id), "role": role, "by": each.author},
        )
        for each in fresh
    ]


async def is_spoken_to(connection: Connection, ctx: PhaseContext, role: Role) -> bool:
    """Whether something was said that this agent should hear before its answer counts."""
    return role not in DEAF and bool(await undelivered(connection, ctx.adw_id))


async def _is_held(connection: Connection, message: Message, session: str) -> bool:
    if message.delivered_at is None:
        return False
    return await was_said(connection, project_key=message.adw_id, session_id=session, words=str(message.id))
