"""A server that answers what it is told to, request by request, and remembers what it was asked."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from adw.domain.rates import RateLimits
from adw.forge.github import AppCredential, GitHub, Patience, TokenCredential
from adw.kit.clock import Clock
from adw.store.db import Database

API = "https://api.github.test"
TOKEN = "ghp_" + "s3cret" * 6
OUR_TOKEN = TokenCredential(token=TOKEN)
HASTY = Patience(repeats_s=(0.0, 0.0, 0.0), looks_s=(0.0, 0.0), most_wait_s=0.2)


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, kw_only=True)
class Said:
    status: int = 200
    json: Any = None
    text: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Script:
    """Answers for `METHOD /path`, in order; the last one is given again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: defaultdict[str, deque[Said | Exception]] = defaultdict(deque)
        self.before: Callable[[Asked], Awaitable[None]] | None = None

    def on(self, request: str, *answers: Said | Exception) -> Script:
        self._answers[request].extend(answers)
        return self

    def paths(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        body = (await receive()).get("body", b"")
        asked = Asked(
            method=scope["method"],
            host=headers["host"],
            path=scope["path"],
            query=scope["query_string"].decode(),
            headers=headers,
            body=body,
        )
        self.asked.append(asked)
        if self.before is not None:
            await self.before(asked)
        said = self._next(f"{asked.method} {asked.path}")
        found = {"content-type": "application/json", **said.headers}
        content = (said.text if said.text is not None else json.dumps(said.json)).encode()
        raw = [(key.encode(), value.encode()) for key, value in found.items()]
        await send({"type": "http.response.start", "status": said.status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def _next(self, request: str) -> Said:
        answers = self._answers.get(request) or deque([Said(status=404, json={"message": "Not Found"})])
        said = answers.popleft() if len(answers) > 1 else answers[0]
        if isinstance(said, Exception):
            raise said
        return said

    def github(
        self,
        database: Database,
        *,
        credential: TokenCredential | AppCredential | None = OUR_TOKEN,
        patience: Patience = HASTY,
        limits: RateLimits | None = None,
        api_url: str = API,
        clock: Clock | None = None,
    ) -> GitHub:
        return GitHub(
            api_url=api_url,
            server_url="https://github.test",
            credential=credential,
            database=database,
            patience=patience,
            limits=limits,
            http=httpx.AsyncClient(transport=httpx.ASGITransport(app=self)),
            clock=clock,
        )
