"""A POST with an `Idempotency-Key` is done once: sent again it gets the answer it got, from whatever server.

Answers that refuse are not kept: nothing was done, and what stood in the way may be gone the next time.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from uuid import uuid4

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adw.api.access.door import principal_of
from adw.api.guard import APPROVAL_PATHS, SIGNED_PATHS
from adw.api.problems import InvalidField, http_problem, problem_response
from adw.kit.errors import DatabaseError
from adw.kit.log import get_logger
from adw.store.db import Database
from adw.store.replays import Reply, Turn, keep_reply, let_go, take_turn

HEADER = "idempotency-key"
REPLAYED = b"idempotency-replayed"
MAX_CHARS = 200
PATTERN = r"^[\x21-\x7e]+$"
ABOUT = "Sent again with the same key, the request gets the answer that it got, and nothing is done twice"
EXCEPT = re.compile(r"/api/(tokens|login|logout|adw/workflows/preview)|/mcp")
"""What is answered with a secret that is kept nowhere, what changes nothing, and what speaks a protocol of its own."""
PATIENCE_S = 5.0
"""How long a request waits for its like that came before it."""
_LOOK_S = 0.05

_log = get_logger("api")


class Idempotency:
    """ASGI middleware, inside of what lets requests in and bounds their bodies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        keys = Headers(scope=scope).getlist(HEADER) if takes_key(scope) else []
        if not keys:
            await self._app(scope, receive, send)
            return
        if len(keys) > 1 or len(keys[0]) > MAX_CHARS or re.fullmatch(PATTERN, keys[0]) is None:
            await _bad_key(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except HTTPException as error:
            await http_problem(scope, error)(scope, receive, send)
            return
        database: Database = scope["app"].state.services.database
        await _Once(self._app, database, _id_of(scope, keys[0]), _digest(scope, body)).run(scope, receive, send, body)


def takes_key(scope: Scope) -> bool:
    """Whether a key means something here."""
    return scope["type"] == "http" and scope["method"] == "POST" and takes_key_at(scope["path"])


def takes_key_at(path: str) -> bool:
    return not path.startswith((SIGNED_PATHS, APPROVAL_PATHS)) and EXCEPT.fullmatch(path) is None


@dataclass(slots=True)
class _Once:
    """One request, done or answered as before."""

    app: ASGIApp
    database: Database
    replay_id: str
    request: str
    holder: str = field(default_factory=lambda: uuid4().hex)

    async def run(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        turn, reply = await self._turn()
        if reply is not None:
            await _replay(reply, send)
        elif turn is Turn.MINE:
            await self._do(scope, _again(body, receive), send)
        else:
            await _refusal(turn)(scope, receive, send)

    async def _turn(self) -> tuple[Turn, Reply | None]:
        until = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            async with self.database.begin() as connection:
                found = await take_turn(connection, self.replay_id, request=self.request, holder=self.holder)
            if found[0] is not Turn.BUSY or asyncio.get_running_loop().time() > until:
                return found
            await asyncio.sleep(_LOOK_S)

    async def _do(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer is kept before it is sent: whoever has it can rely on getting it again."""
        answer = _Answer()

        async def collected(message: Message) -> None:
            if answer.add(message):
                await self._settle(answer.reply if answer.is_success else None)
                for each in answer.messages:
                    await send(each)

        try:
            await self.app(scope, receive, collected)
        finally:
            if not answer.is_whole:
                await self._settle(None)

    async def _settle(self, reply: Reply | None) -> None:
        try:
            async with self.database.begin() as connection:
                if reply is None:
                    await let_go(connection, self.replay_id, holder=self.holder)
                else:
                    await keep_reply(connection, self.replay_id, reply, holder=self.holder)
        except DatabaseError as error:  # what was done is done, and an answer that hid it would be worse
            _log.error("reply_not_kept", reason=error.message)


class _Answer:
    """What the application says, held back until all of it is there."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_whole = False

    def add(self, message: Message) -> bool:
        self.messages.append(message)
        self.is_whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        return self.is_whole

    @property
    def is_success(self) -> bool:
        return self.messages[0]["status"] < HTTPStatus.BAD_REQUEST

    @property
    def reply(self) -> Reply:
        head, *rest = self.messages
        body = b"".join(each.get("body", b"") for each in rest)
        return Reply(status=head["status"], media_type=Headers(raw=head["headers"]).get("content-type"), body=body)


def _id_of(scope: Scope, key: str) -> str:
    """Keys of different people and of different addresses have nothing to do with each other."""
    who = principal_of(scope)
    parts = (who.token_id or who.session_id or who.name) if who is not None else ""
    return _hashed(parts.encode(), scope["path"].encode("utf-8", "surrogateescape"), key.encode())


def _digest(scope: Scope, body: bytes) -> str:
    return _hashed(scope.get("query_string", b""), body)


def _hashed(*parts: bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8) + part)
    return whole.hexdigest()


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":  # whoever asked went away
            return bytes(body)
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    is_told = False

    async def told() -> Message:
        nonlocal is_told
        if is_told:
            return await receive()
        is_told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return told


async def _replay(reply: Reply, send: Send) -> None:
    headers = [(b"content-length", str(len(reply.body)).encode()), (REPLAYED, b"true")]
    if reply.media_type is not None:
        headers.append((b"content-type", reply.media_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _refusal(turn: Turn) -> ASGIApp:
    if turn is Turn.OTHER:
        return problem_response(
            status=409,
            code="idempotency_key_reused",
            detail="another request was sent here with this key",
            hint="use a new key for each thing that is to be done",
        )
    return problem_response(
        status=409,
        code="idempotency_in_progress",
        detail="the same request with this key is still being answered",
        hint="send it again with the same key in a moment",
        headers={"Retry-After": "1"},
    )


async def _bad_key(scope: Scope, receive: Receive, send: Send) -> None:
    message = f"must be given once, with 1 to {MAX_CHARS} visible ASCII characters"
    fields = [InvalidField(location=f"header.{HEADER}", message=message)]
    hint = "for example a UUID, a new one for each thing that is to be done"
    response = problem_response(
        status=422, code="usage", detail=f"header.{HEADER}: {message}", hint=hint, errors=fields
    )
    await response(scope, receive, send)
