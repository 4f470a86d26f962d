"""What may be asked for after the question mark: each name known, and given once unless it may be given more often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from starlette.requests import HTTPConnection

from adw.api.guard import SIGNED_PATHS


async def check_query(request: HTTPConnection) -> None:
    """A dependency of every route. Raises RequestValidationError; what signs itself may bring along what it likes."""
    dependant: Dependant | None = getattr(request.scope.get("route"), "dependant", None)
    given = request.query_params.multi_items()
    if request.scope["type"] != "http" or not given or dependant is None:
        return
    if request.scope["path"].startswith(SIGNED_PATHS):
        return
    known = dict(_parameters(dependant))
    names = [name for name, _ in given]
    unknown = [
        _problem(name, f"there is no such parameter; there are: {_listed(known)}") for name in set(names) - {*known}
    ]
    repeated = [
        _problem(name, "given more than once")
        for name, takes_several in known.items()
        if not takes_several and names.count(name) > 1
    ]
    if unknown or repeated:
        raise RequestValidationError([*unknown, *repeated])


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Names, and whether they may be given several times."""
    for field in dependant.query_params:
        yield field.alias, get_origin(field.field_info.annotation) is list
    for other in dependant.dependencies:
        yield from _parameters(other)


def _problem(name: str, message: str) -> dict[str, Any]:
    return {"type": "query", "loc": ("query", name), "msg": message, "input": None}


def _listed(known: Mapping[str, bool]) -> str:
    return ", ".join(sorted(known)) or "none"
