"""The description of the API at /openapi.json: one schema for every refusal, the token, stable operation names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from adw import __version__
from adw.api.access.credentials import SESSION_COOKIE
from adw.api.access.scopes import needed_scope
from adw.api.examples import show_examples
from adw.api.guard import APPROVAL_PATHS, LOGIN_PATHS, SIGNED_PATHS
from adw.api.idempotency import ABOUT, HEADER, MAX_CHARS, PATTERN, takes_key_at
from adw.api.problems import MEDIA_TYPE, Problem

_MEANINGS = {
    400: "The request cannot be read",
    401: "A valid token is needed",
    403: "Wrong host, a web page of another site, or a token that does not allow it",
    404: "There is no such thing",
    408: "The body did not arrive in time",
    409: "What is asked for does not go with the present state of things",
    413: "The body is too large",
    422: "The input is not as described",
    429: "Too many attempts; `Retry-After` says when to try again",
    500: "Something failed that should not",
    502: "The forge refused or failed",
    503: "The database or another service is not available",
}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}
_UNCHANGED = {"description": "What `If-None-Match` names, the `ETag` of an earlier answer, is still so"}
_ALWAYS = (400, 401, 403, 408, 409, 413, 422, 429, 500, 503)
_HEADERS = {
    401: {"WWW-Authenticate": ("What to show instead", {"type": "string"})},
    429: {"Retry-After": ("Seconds until there is an answer again", {"type": "integer", "minimum": 1})},
}
_STORABLE = r"^[^\u0000]*$"
"""Text that the database can hold."""
_SAYING_SOMETHING = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


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
    components.setdefault("securitySchemes", {}).update(_SCHEMES)
    problem = Problem.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    nested = problem.pop("$defs", {})
    components.setdefault("schemas", {}).update({**nested, "Problem": problem})
    show_examples(components["schemas"])
    _say_what_is_taken(described)
    for operation in (item["get"] for item in described["paths"].values() if "get" in item):
        if "application/json" in operation["responses"].get("200", {}).get("content", {}):
            operation["responses"]["304"] = _UNCHANGED
    for path, item in described["paths"].items():
        if not path.startswith(("/health", SIGNED_PATHS, LOGIN_PATHS, APPROVAL_PATHS)):
            for method, operation in item.items():
                operation["security"] = [{"token": []}, {"session": []}]
                operation["x-adw-scope"] = needed_scope(method.upper(), path)
    return described


def _say_what_is_taken(described: dict[str, Any]) -> None:
    """What the framework does not know, or says too loosely."""
    for path, item in described["paths"].items():
        if "post" in item and takes_key_at(path):
            _take_key(item["post"])
    for parameter in _parameters(described):
        _leave_null_out(parameter["schema"])
        if "contentSchema" in parameter["schema"]:  # how JSON in an address is written down
            written = parameter.pop("schema")
            parameter["content"] = {written["contentMediaType"]: {"schema": written["contentSchema"]}}
    for found in _texts(described):
        found["pattern"] = _STORABLE if found.get("pattern") != r"\S" else _SAYING_SOMETHING


def _response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers = {
        name: {"description": about, "required": True, "schema": schema}
        for name, (about, schema) in _HEADERS.get(status, {}).items()
    }
    return {"description": _MEANINGS[status], "content": content} | ({"headers": headers} if headers else {})


def _texts(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Schemas of free text we are sent: in addresses, and in bodies, which allow no field that they do not name."""
    for parameter in _parameters(described):
        yield from _texts_in(parameter.get("schema", {}))
    for schema in described["components"]["schemas"].values():
        if schema.get("additionalProperties") is False:
            for field in schema["properties"].values():
                yield from _texts_in(field)


def _parameters(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in described["paths"].values():
        for operation in item.values():
            yield from operation.get("parameters", ())


def _take_key(operation: dict[str, Any]) -> None:
    """Most routes need not know of the key: requests with one never come to them twice."""
    operation["responses"]["409"]["description"] += ", or the key is in use"
    parameters: list[dict[str, Any]] = operation.setdefault("parameters", [])
    if not any(each["name"] == HEADER for each in parameters):
        schema = {"type": "string", "minLength": 1, "maxLength": MAX_CHARS, "pattern": PATTERN}
        parameters.append({"name": HEADER, "in": "header", "required": False, "schema": schema, "description": ABOUT})


def _leave_null_out(schema: dict[str, Any]) -> None:
    """An address and a header hold text: what is not given is left out, and `null` would be a word."""
    rest = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(rest) == 1:
        del schema["anyOf"]
        schema.update(rest[0])


def _texts_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for each in (schema, *schema.get("anyOf", ())):
        if each.get("type") == "string" and not each.keys() & {"enum", "const", "format"}:
            if each.get("pattern", r"\S") == r"\S":
                yield each
        elif each.get("type") == "array":
            yield from _texts_in(each.get("items", {}))
