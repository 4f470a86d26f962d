"""A limit on the size of request bodies, kept without reading more than the limit."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adw.api.guard import SIGNED_PATHS
from adw.api.problems import problem_response

MAX_BODY_BYTES = 1024 * 1024

BODY_S = 30.0
"""In which a body has to arrive."""

_DETAIL = f"the body is larger than {MAX_BODY_BYTES} bytes"


class BodyLimit:
    """ASGI middleware. A length that is announced is refused at once, one that is not when it gets too long.

    A body that does not come is not waited for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(SIGNED_PATHS):  # they keep a limit of their own
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > MAX_BODY_BYTES:
            hint = "send less; long texts belong into files of the repository"
            response = problem_response(
                status=413, code="body_too_large", detail=_DETAIL, hint=hint, headers={"Connection": "close"}
            )
            await response(scope, receive, send)
            return
        await self._app(scope, _limited(receive), send)


def _limited(receive: Receive) -> Receive:
    received, is_whole = 0, False
    loop = asyncio.get_running_loop()
    until = loop.time() + BODY_S

    async def limited() -> Message:
        nonlocal received, is_whole
        if is_whole:  # what comes now is that whoever asked has gone, whenever that may be
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, f"the body was not there within {BODY_S:g} s") from error
        is_whole = not message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            # The framework lets this one kind of error pass while it reads a body.
            raise HTTPException(413, _DETAIL)
        return message

    return limited
