"""Which function answers which address, and what it is given.

Routes are written as GitHub's own description writes them, so that answers can be held against it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import unquote, urlencode

import orjson
from pydantic import BaseModel, ValidationError

from adw.forge.github_stand_in.access import Actor, allows, permission
from adw.forge.github_stand_in.asgi import Reply, Request
from adw.forge.github_stand_in.budget import Budgets
from adw.forge.github_stand_in.errors import RefusedError, not_found

if TYPE_CHECKING:
    from adw.forge.github_stand_in.effects import Effects
    from adw.forge.github_stand_in.records import Repository
    from adw.forge.github_stand_in.shapes.core import Shapes
    from adw.forge.github_stand_in.world import World

Needs = Literal["nothing", "account", "app", "read", "triage", "write", "maintain", "admin"]
Model = TypeVar("Model", bound=BaseModel)

_DEFAULT_PER_PAGE = 30
_MOST_PER_PAGE = 100
_MOST_ID = 2**63 - 1
_GREEDY = {"branch", "ref", "basehead"}
"""Parts that may contain slashes."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One request on its way through its route."""

    request: Request
    world: World
    effects: Effects
    shapes: Shapes
    budgets: Budgets
    actor: Actor
    parts: dict[str, str]
    repository: Repository | None = None
    query: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def repo(self) -> Repository:
        if self.repository is None:
            raise not_found()
        return self.repository

    @property
    def login(self) -> str:
        """The account that asks. Raises RefusedError (401) for nobody."""
        if self.actor.login is None:
            raise RefusedError(401, "Requires authentication")
        return self.actor.login

    def may(self, wanted: str) -> bool:
        return allows(permission(self.world, self.actor, self.repo), wanted)

    def number(self, name: str) -> int:
        """A number of the path. Raises RefusedError (404) for other text."""
        text = self.parts[name]
        if not (text.isascii() and text.isdigit()) or int(text) > _MOST_ID:
            raise not_found()
        return int(text)

    def read(self, model: type[Model]) -> Model:
        """The body. Raises RefusedError: 400 for what is no JSON, 422 for what does not fit."""
        try:
            given = orjson.loads(self.request.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise RefusedError(400, "Problems parsing JSON") from error
        if not isinstance(given, dict):
            raise RefusedError(400, "Body should be a JSON object")
        try:
            return model.model_validate(given)
        except ValidationError as error:
            raise RefusedError(422, "Invalid request.", errors=_told(error, model)) from error

    def since(self) -> datetime | None:
        """Raises RefusedError (422) for what is no time."""
        text = self.query.get("since")
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise RefusedError(422, f"Invalid value for 'since': {text}") from error
        return moment if moment.tzinfo else moment.astimezone()

    def page(
        self, everything: list[Any], *, shape: Callable[[Any], Any] | None = None, key: str | None = None
    ) -> Reply:
        """One page of a list with the links to its neighbours; under `key` with the total where GitHub has it so."""
        size = min(max(_whole(self.query.get("per_page"), _DEFAULT_PER_PAGE), 1), _MOST_PER_PAGE)
        page = max(_whole(self.query.get("page"), 1), 1)
        chosen = everything[(page - 1) * size : page * size]
        shown = [shape(item) for item in chosen] if shape else chosen
        last = max(-(-len(everything) // size), 1)
        headers = {"link": link} if (link := self._link(page, last)) else {}
        return Reply(json={"total_count": len(everything), key: shown} if key else shown, headers=headers)

    def _link(self, page: int, last: int) -> str:
        wanted = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        before, after = {"prev", "first"}, {"next", "last"}
        shown = (before if page > 1 else set[str]()) | (after if page < last else set[str]())
        rest = {name: value for name, value in self.query.items() if name != "page"}
        links: list[str] = []
        for name, number in wanted.items():
            if name in shown:
                text = urlencode({**rest, "page": number})
                links.append(f'<{self.world.api_url}{self.request.path}?{text}>; rel="{name}"')
        return ", ".join(links)


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`template` is the address as GitHub's description writes it."""

    method: str
    template: str
    needs: Needs
    handler: Handler
    pattern: re.Pattern[str]


ROUTES: list[Route] = []


def route(method: str, template: str, *, needs: Needs | None = None) -> Callable[[Handler], Handler]:
    """Names the address of a handler; reading needs `read` and everything else `write` unless told otherwise."""

    def named(handler: Handler) -> Handler:
        wanted: Needs = needs or ("read" if method == "GET" else "write")
        pattern = re.compile(re.sub(r"\\\{(\w+)\\\}", _part, re.escape(template)))
        ROUTES.append(Route(method=method, template=template, needs=wanted, handler=handler, pattern=pattern))
        ROUTES.sort(key=_rank)
        return handler

    return named


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of an address, and its parts. Raises RefusedError (404) for one that is on no list."""
    wanted = "GET" if method == "HEAD" else method
    for candidate in ROUTES:
        if candidate.method == wanted and (found := candidate.pattern.fullmatch(path)):
            return candidate, {name: unquote(text) for name, text in found.groupdict().items()}
    raise not_found()


def _rank(one: Route) -> list[int]:
    """Words before parts that vary, and long addresses before what could swallow them."""
    return [*(int(word.startswith("{")) for word in one.template.split("/")), 2]


def _part(found: re.Match[str]) -> str:
    name = found.group(1)
    return f"(?P<{name}>.+)" if name in _GREEDY else f"(?P<{name}>[^/]+)"


def _whole(text: str | None, otherwise: int) -> int:
    if text is None or not (text.isascii() and text.isdigit()):
        return otherwise
    return min(int(text), 10**6)


def _told(error: ValidationError, model: type[BaseModel]) -> list[dict[str, Any]]:
    return [
        {
            "resource": model.__name__,
            "field": ".".join(map(str, one["loc"])),
            "code": "missing_field" if one["type"] == "missing" else "invalid",
            "message": one["msg"],
        }
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    ]
