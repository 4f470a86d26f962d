"""Which route a request is for, known also of one that was refused before it got there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

NOWHERE = "(no such route)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A route's address with the names of its parts, and what this request says they are."""

    template: str
    parts: Mapping[str, Any]


def methods_at(scope: Scope) -> frozenset[str]:
    """What can be asked of the address, by whatever method it came."""
    routes: list[BaseRoute] = scope["app"].state.routes
    for route in routes:
        match, _ = route.matches(scope)
        if match is not Match.NONE:
            path = getattr(route, "path", NOWHERE)
            same = [each for each in routes if getattr(each, "path", None) == path]
            return frozenset(method for each in same for method in getattr(each, "methods", None) or ())
    return frozenset()


def destination_of(scope: Scope) -> Destination:
    """By the routes the application was assembled from, `app.state.routes`."""
    routes: list[BaseRoute] = scope["app"].state.routes
    for route in routes:
        match, child = route.matches(scope)
        if match is Match.FULL:
            return Destination(template=str(getattr(route, "path", NOWHERE)), parts=child.get("path_params", {}))
    return Destination(template=NOWHERE, parts={})
