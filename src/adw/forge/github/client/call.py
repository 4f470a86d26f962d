"""One request to GitHub and its answer, as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from adw.domain.rates import Cost
from adw.forge.github.client.failures import Failure, FailureKind
from adw.forge.github.client.headers import query_of, read_links
from adw.kit.errors import ForgeError

JSON = "application/vnd.github+json"
_REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_WRITING_POINTS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`what` completes "GitHub refused to ...". `accept` names the refusals the caller wants to see for itself."""

    method: str
    path: str
    what: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    json: Any = None
    media: str = JSON
    accept: Collection[FailureKind] = ()
    repository: str | None = None
    """`owner/name` whose access is used; an app has one for each."""
    as_app: bool = False
    """Speaks as the app itself, which only a few requests may."""
    resource: str = "core"
    is_repeatable: bool | None = None
    """Whether sending it again after an unclear failure does no harm; None goes by the method."""
    makes_content: bool = True
    """Whether it makes something people see, if it is a writing one; GitHub counts those."""

    @property
    def may_repeat(self) -> bool:
        return self.method in _REPEATABLE if self.is_repeatable is None else self.is_repeatable

    @property
    def is_reading(self) -> bool:
        return self.method in {"GET", "HEAD"}

    @property
    def cost(self) -> Cost:
        is_query = self.resource == "graphql" and self.may_repeat
        if self.is_reading or is_query:
            return Cost()
        return Cost(points=_WRITING_POINTS, writes=1.0 if self.makes_content else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`failure` is set only for a refusal the call accepts. `is_same`: nothing changed since it was last asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: Failure | None = None
    is_same: bool = False

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def next_query(self) -> Mapping[str, str] | None:
        """The parameters of the next page. Its address is not followed: it may name another host."""
        address = read_links(self.headers.get("link")).get("next")
        return None if address is None else query_of(address)

    def json(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ForgeError(f"GitHub answered {self.status} with something that is not JSON") from error

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")
