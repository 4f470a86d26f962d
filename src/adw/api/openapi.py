"""The description of the API at /openapi.json: one schema for every refusal, the token, stable operation names."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from adw import __version__
from adw.api.guard import SIGNED_PATHS
from adw.api.problems import MEDIA_TYPE, Problem

_MEANINGS = {
    400: "The request cannot be read",
    401: "A valid token is needed",
    403: "Wrong host, or a web page of another site",
    404: "There is no such thing",
    409: "The present state forbids this",
    413: "The body is too large",
    422: "The input cannot be used",
    500: "Something failed that should not",
    502: "The forge refused or failed",
    503: "The database or another service is not available",
}
_ALWAYS = (400, 401, 403, 413, 422, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of the refusals of a route, besides those every route has."""
    return {status: _response(status) for status in sorted({*_ALWAYS, *statuses})}


def operation_name(route: APIRoute) -> str:
    """The function's name, which is unique."""
    return route.name


def install_schema(app: FastAPI) -> None:
    """Replaces the application's schema by one that describes problems and the token."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = schema


def _schema(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title="ADW Orchestrator",
        version=__version__,
        description="Hand an issue to coding agents and get back a tested, reviewed pull request.",
        routes=app.routes,
    )
    components = described.setdefault("components", {})
    components.setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
    problem = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    nested = problem.pop("$defs", {})
    components.setdefault("schemas", {}).update({**nested, "Problem": problem})
    for path, item in described["paths"].items():
        if not path.startswith(("/health", SIGNED_PATHS)):
            for operation in item.values():
                operation["security"] = [{"token": []}]
    return described


def _response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _MEANINGS[status], "content": content}
