"""Refusals as RFC 9457 problem details: what is wrong, a stable code, and what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from adw.api.access.routing import methods_at
from adw.api.wire import Wire
from adw.kit.errors import AdwError, TooManyRequestsError, UsageError
from adw.kit.log import get_logger

MEDIA_TYPE = "application/problem+json"

_log = get_logger("api")

_BY_STATUS: Mapping[int, tuple[str, str | None]] = {
    400: ("bad_request", "check that the request is valid HTTP with valid UTF-8 JSON in it"),
    404: ("not_found", "see /openapi.json for the routes there are"),
    405: ("method_not_allowed", "see /openapi.json for the methods of this route"),
    408: ("body_too_slow", "send the whole body without a pause"),
    413: ("body_too_large", "send less; long texts belong into files of the repository"),
}


class InvalidField(Wire):
    """One field that cannot be used."""

    location: str
    message: str


class Problem(Wire):
    """A refusal."""

    type: str = Field(description="A name for this kind of problem, as a URN")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; made for programs")
    hint: str | None = Field(default=None, description="What to do next")
    errors: tuple[InvalidField, ...] = Field(default=(), description="The fields that cannot be used, if it is that")


def problem_response(
    *,
    status: int,
    code: str,
    detail: str,
    title: str | None = None,
    hint: str | None = None,
    errors: Sequence[InvalidField] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    problem = Problem(
        type=f"urn:adw:problem:{code}",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        errors=tuple(errors),
    )
    values = problem.model_dump(by_alias=True, exclude_defaults=False)
    # Names and texts may come from the refused request itself: half characters in them must not become a 500.
    content = json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def problem_of(error: AdwError) -> Response:
    """The refusal that an error of ours stands for.

    422 is for what the description of the API forbids, which is found out before we look at anything. What the
    description allows, and cannot be used nevertheless, is forbidden by the state of things, such as a project's kinds.
    """
    status = HTTPStatus.CONFLICT if isinstance(error, UsageError) else error.status
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning("request_failed", code=error.code, reason=error.message)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    if isinstance(error, TooManyRequestsError):
        headers = {"Retry-After": str(error.retry_after_s)}
    title = (type(error).__doc__ or "").strip().partition("\n")[0] or None
    return problem_response(
        status=status, code=error.code, title=title, detail=error.message, hint=error.hint, headers=headers
    )


def http_problem(scope: Scope, error: HTTPException) -> Response:
    """What the framework refuses."""
    code, hint = _BY_STATUS.get(error.status_code, ("refused", None))
    detail = {404: "there is no such route", 405: "this route does not have that method"}.get(error.status_code)
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted(methods_at(scope)))}
    return problem_response(
        status=error.status_code, code=code, detail=detail or str(error.detail), hint=hint, headers=headers
    )


def install_handlers(app: FastAPI) -> None:
    """Makes every refusal of this application a problem."""
    app.add_exception_handler(AdwError, _adw_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


async def _adw_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AdwError)  # noqa: S101 # registered for this class only
    return problem_of(error)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 # registered for this class only
    found: Sequence[Mapping[str, Any]] = error.errors()
    if any(item["type"] == "json_invalid" and item["loc"][0] == "body" for item in found):
        code, hint = _BY_STATUS[400]
        return problem_response(status=400, code=code, detail="the body is not valid JSON", hint=hint)
    fields = [InvalidField(location=_location(item["loc"]), message=_message(item)) for item in found]
    detail = "; ".join(f"{field.location}: {field.message}" for field in fields)
    hint = "see /openapi.json for the fields and their types"
    return problem_response(status=422, code="usage", detail=detail, hint=hint, errors=fields)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 # registered for this class only
    return http_problem(request.scope, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    path = re.sub(r"^/(login|approve)/.*", r"/\1/...", request.url.path, flags=re.DOTALL)  # the rest is a secret
    _log.error("request_crashed", method=request.method, path=path, exc_info=error)
    return problem_response(
        status=500,
        code="internal",
        detail="this is a defect of the server; its log says more",
        hint="report it with the server's log",
    )


def _location(parts: Sequence[Any]) -> str:
    return ".".join(str(part) for part in parts)


def _message(item: Mapping[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ")
