"""Logging browsers in and out. A link is asked for with a token, followed once, and becomes a session's cookie."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers

from adw.api.access import gate_of
from adw.api.access.credentials import CSRF_COOKIE, SESSION_COOKIE, session_secret
from adw.api.inputs import Caller, Services
from adw.api.openapi import problems
from adw.api.views.access import LinkView, SessionView
from adw.api.wire import ActorBody
from adw.control.access import Access
from adw.domain.access import SESSION_LIFE, Principal, csrf_of
from adw.kit.errors import ConflictError

router = APIRouter(tags=["access"], responses=problems())


@router.post("/api/login", status_code=201)
async def create_login_link(
    services: Services, request: Request, caller: Caller, body: ActorBody | None = None
) -> LinkView:
    """An address that logs a browser in with the caller's rights: good once, for 60 seconds."""
    name = caller.name if body is None else body.actor
    link = await Access(database=services.database).make_link(caller, name=name)
    place = f"{request.url.scheme}://{request.headers['host']}"
    return LinkView(url=f"{place}/login/{link.code}", expires_at=link.expires_at)


@router.get(
    "/login/{code}",
    status_code=303,
    response_class=RedirectResponse,
    responses={303: {"description": "Logged in; the cookies are set"}},
)
async def log_in(services: Services, request: Request, code: Annotated[str, Path(max_length=100)]) -> Response:
    """Begins a session, and goes on to the first page."""
    entered = await Access(database=services.database).log_in(code)
    request.state.principal = entered.session.principal  # whose session begins is written down
    response = RedirectResponse("/", status_code=303)
    is_secure, life_s = request.url.scheme == "https", int(SESSION_LIFE.total_seconds())
    for name, value in ((SESSION_COOKIE, entered.secret), (CSRF_COOKIE, csrf_of(entered.secret))):
        response.set_cookie(
            name, value, max_age=life_s, secure=is_secure, httponly=name == SESSION_COOKIE, samesite="strict"
        )
    return response


@router.get("/api/session")
async def get_session(request: Request, caller: Caller) -> SessionView:
    """Who asks, and what they may do."""
    return _view(caller, request.headers)


@router.post("/api/logout", responses=problems(409))
async def log_out(services: Services, request: Request, response: Response, caller: Caller) -> SessionView:
    """Ends the session that asks for it. Tells whose it was."""
    if caller.session_id is None:
        raise ConflictError("a token has no session to end", hint="revoke it with DELETE /api/tokens/{reference}")
    await Access(database=services.database).log_out(caller.session_id)
    gate_of(request.app).forget()
    for name in (SESSION_COOKIE, CSRF_COOKIE):
        response.delete_cookie(name, httponly=name == SESSION_COOKIE, samesite="strict")
    return _view(caller, Headers())


def _view(caller: Principal, headers: Headers) -> SessionView:
    is_session = caller.session_id is not None
    secret = session_secret(headers) if is_session else None
    return SessionView(
        name=caller.name,
        scope=caller.scope,
        is_session=is_session,
        csrf=None if secret is None else csrf_of(secret),
    )
