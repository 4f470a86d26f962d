"""A process that holds many HTTP connections with as little work as possible, and times what each is answered.

Each connection asks again as soon as it has its answer, or after a pause. Prints what was found as JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field

_OK = b"HTTP/1.1 200"
_LENGTH = b"content-length:"


@dataclass(slots=True)
class Found:
    """Milliseconds of each answer after the warm-up; how many there were in all, and how many were no 200."""

    took_ms: list[float] = field(default_factory=list[float])
    asked: int = 0
    refused: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked: any of the paths, by so many at once, from and until these moments of the monotonic clock."""

    address: str
    token: str
    paths: list[str]
    clients: int
    pause_s: float
    warm_at: float
    until: float


async def main(plan: Plan) -> Found:
    found = Found()
    await asyncio.gather(*(_client(plan, found, random.Random(place)) for place in range(plan.clients)))
    return found


async def _client(plan: Plan, found: Found, chance: random.Random) -> None:
    host, _, port = plan.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    rest = f" HTTP/1.1\r\nHost: {plan.address}\r\nAuthorization: Bearer {plan.token}\r\n\r\n"
    await asyncio.sleep(plan.pause_s * chance.random())
    while (began := time.monotonic()) < plan.until:
        writer.write(f"GET {chance.choice(plan.paths)}{rest}".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(_length_in(head))
        ended = time.monotonic()
        found.asked += 1
        if not head.startswith(_OK):
            found.refused += 1
        elif began >= plan.warm_at:
            found.took_ms.append(1000 * (ended - began))
            found.size = len(body)
        if plan.pause_s:
            await asyncio.sleep(plan.pause_s * 2 * chance.random())
    writer.close()


def _length_in(head: bytes) -> int:
    start = head.lower().index(_LENGTH) + len(_LENGTH)
    return int(head[start : head.index(b"\r\n", start)])


if __name__ == "__main__":
    server_address, server_token, clients, pause_s, seconds, *asked = sys.argv[1:]
    now = time.monotonic()
    work = Plan(
        address=server_address,
        token=server_token,
        paths=asked,
        clients=int(clients),
        pause_s=float(pause_s),
        warm_at=now + 0.2 * float(seconds),
        until=now + float(seconds),
    )
    result = asyncio.run(main(work))
    print(json.dumps(asdict(result) | {"counted_s": work.until - work.warm_at}))
