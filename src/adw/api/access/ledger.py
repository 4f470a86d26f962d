"""Writes down every request that would change something, before its answer is sent: done, refused or failed alike."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adw.api.access.door import peer_of, principal_of
from adw.api.access.routing import destination_of
from adw.api.access.scopes import changes_something
from adw.api.guard import APPROVAL_PATHS, LOGIN_PATHS, SIGNED_PATHS
from adw.domain.access import FORGE, STRANGER, Principal
from adw.kit.errors import DatabaseError
from adw.kit.log import get_logger
from adw.store.audit import Deed, purge_deeds, record_deed
from adw.store.db import Database

PURGED_EVERY = 500
"""Rows this process writes between looks for old ones."""

_log = get_logger("api")


class Ledger:
    """ASGI middleware, around everything that may refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._written = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not changes_something(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        is_written = False

        async def noted(message: Message) -> None:
            nonlocal is_written
            if message["type"] == "http.response.start" and not is_written:
                is_written = True
                await self._write(scope, int(message["status"]))
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            if not is_written:  # it crashed, or whoever asked went away
                await self._write(scope, HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _write(self, scope: Scope, status: int) -> None:
        database: Database = scope["app"].state.services.database
        self._written += 1
        try:
            async with database.begin() as connection:
                await record_deed(connection, _deed(scope, status))
                if self._written % PURGED_EVERY == 0:
                    await purge_deeds(connection)
        except DatabaseError as error:
            # What was done is done, and an answer that hid it would be worse.
            _log.error("audit_not_written", method=scope["method"], status=status, reason=error.message)


def _deed(scope: Scope, status: int) -> Deed:
    principal = principal_of(scope)
    path = str(scope["path"])
    destination = destination_of(scope)
    target = "/".join(map(str, destination.parts.values())) or None
    if path.startswith((LOGIN_PATHS, APPROVAL_PATHS)):  # whose address is a secret; what it is for, its route says
        target = scope.get("state", {}).get("deed_target")
    return Deed(
        who=_who(principal, path, status),
        token_id=None if principal is None else principal.token_id,
        session_id=None if principal is None else principal.session_id,
        method=scope["method"],
        route=destination.template,
        target=target,
        status=status,
        peer=peer_of(scope),
        idempotency_key=Headers(scope=scope).get("idempotency-key"),
        is_stranger=principal is None and status >= HTTPStatus.BAD_REQUEST,
    )


def _who(principal: Principal | None, path: str, status: int) -> str:
    if principal is not None:
        return principal.name
    return FORGE if path.startswith(SIGNED_PATHS) and status < HTTPStatus.BAD_REQUEST else STRANGER
