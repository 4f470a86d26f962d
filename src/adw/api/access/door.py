"""Lets a request in: by its token or session, if that covers what is asked, and no foreign page sent it."""

from __future__ import annotations

import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from adw.api.access.credentials import CSRF_HEADER, credential_in, session_secret
from adw.api.access.gate import gate_of, refuse_if_limited
from adw.api.access.scopes import SAFE, needed_scope
from adw.api.guard import APPROVAL_PATHS, LOGIN_PATHS, OPEN_PATHS, SIGNED_PATHS
from adw.api.problems import problem_of
from adw.domain.access import Principal, csrf_of
from adw.kit.errors import AdwError, ForbiddenError


class Door:
    """ASGI middleware. Whoever was let in is `request.state.principal`; sockets are let through to their route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                await _let_in(scope)
            except AdwError as error:
                await problem_of(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def principal_of(scope: Scope) -> Principal | None:
    """Who was let in; None on open routes and for strangers."""
    return scope.get("state", {}).get("principal")


def peer_of(scope: Scope) -> str | None:
    """The address at the other end. What a proxy says of whom it speaks for is not believed."""
    client = scope.get("client")
    return None if client is None else str(client[0])


async def _let_in(scope: Scope) -> None:
    path, method = str(scope["path"]), str(scope["method"])
    if path in OPEN_PATHS:
        return
    gate, peer = gate_of(scope["app"]), peer_of(scope)
    for limit, prefix in ((gate.webhooks, SIGNED_PATHS), (gate.links, LOGIN_PATHS), (gate.links, APPROVAL_PATHS)):
        if path.startswith(prefix):
            refuse_if_limited(limit, peer)
            limit.count(peer)
            return
    headers = Headers(scope=scope)
    principal = await gate.identify(scope["app"].state.services.database, credential_in(headers), peer=peer)
    scope.setdefault("state", {})["principal"] = principal
    _check_scope(principal, method, path)
    if "authorization" not in headers and method not in SAFE:
        _check_own_page(headers)


def _check_scope(principal: Principal, method: str, path: str) -> None:
    needed = needed_scope(method, path)
    if not principal.scope.covers(needed):
        raise ForbiddenError(
            f"this needs the scope {needed}, and {principal.name!r} has {principal.scope}",
            hint=f"use a token made with `adw token create --scope {needed}`",
        )


def _check_own_page(headers: Headers) -> None:
    """A browser sends its cookie whoever asks it to. That the origin is ours, if named, has been checked before."""
    expected = csrf_of(session_secret(headers) or "")
    given = headers.get(CSRF_HEADER, "")
    if "origin" not in headers or not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise ForbiddenError(
            "a change asked for with a session's cookie has to come from our own pages",
            hint="send the cookie `adw_csrf` back in the header `X-ADW-CSRF`, with `Origin`; or use a token",
        )
