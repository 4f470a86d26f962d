"""A request as a value: what to send, and the type of what comes back; and how addresses are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from adw.kit.errors import UsageError

T_co = TypeVar("T_co", covariant=True)
"""What the answer is: a typed dictionary, text, or bytes."""

Money = Decimal | float | int
Method = Literal["GET", "POST", "PUT", "DELETE"]

WORKFLOWS = "/api/adw/workflows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T_co]):
    """One request. None among `params` and in `body` is left out."""

    method: Method
    path: str
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    body: Mapping[str, Any] | None = None
    key: str | None = None
    """The idempotency key."""
    answer: Literal["json", "text", "bytes"] = "json"
    also: int | None = None
    """A status besides success that carries the answer."""

    @property
    def query(self) -> dict[str, str]:
        return {name: _text(value) for name, value in self.params.items() if value is not None and value != ()}

    @property
    def json(self) -> dict[str, Any] | None:
        return None if self.body is None else {name: v for name, v in self.body.items() if v is not None}


def of_workflow(adw_id: str, *rest: str) -> str:
    return "/".join((WORKFLOWS, segment(adw_id), *rest))


def of_project(
    method: Method,
    reference: str,
    *rest: str,
    params: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    key: str | None = None,
    answer: Literal["json", "text", "bytes"] = "json",
) -> Call[Any]:
    """A path cannot be a part of a path: it travels as a parameter, with `-` in its place."""
    is_path = "/" in reference
    named = "-" if is_path else segment(reference)
    query = {**(params or {}), "path": reference if is_path else None}
    path = "/".join(("/api/projects", named, *rest))
    return Call(method=method, path=path, params=query, body=body, key=key, answer=answer)


def segment(text: str) -> str:
    if text in {"", ".", ".."}:
        raise UsageError(f"{text!r} names nothing", hint="give an id or the beginning of one")
    return quote(text, safe="")


def usd(amount: Money | None) -> float | None:
    return None if amount is None else float(amount)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] # texts, by the functions above
    return str(value)
