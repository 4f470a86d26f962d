"""The task that alone talks to the SDK, which wants every call of a client made from one task."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum

from claude_agent_sdk import ClaudeSDKClient, Message


class Signal(Enum):
    """What the pump tells besides messages."""

    CONNECTED = "connected"
    WAITING = "waiting"
    """A call waits for a person, or has waited until now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The last thing heard: nothing more will come. Without an error the SDK's stream just ended."""

    error: Exception | None


Heard = Message | Signal | Closed


async def pump(client: ClaudeSDKClient, prompt: str, starts: asyncio.Semaphore, inbox: asyncio.Queue[Heard]) -> None:
    """One conversation, from start to disconnection; `starts` bounds how many connect at once."""
    error: Exception | None = None
    try:
        async with starts:
            await client.connect()
        inbox.put_nowait(Signal.CONNECTED)
        await client.query(prompt)
        async for message in client.receive_response():
            inbox.put_nowait(message)
    except Exception as caught:  # noqa: BLE001 - the boundary of an agent's process: the SDK raises bare exceptions too
        error = caught
    finally:
        inbox.put_nowait(Closed(error=error))
        await client.disconnect()
